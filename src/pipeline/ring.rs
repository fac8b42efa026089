//! The packet ring of a camera.
