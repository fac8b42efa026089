//! The vault: drafts become evidence in one step.
//!
//! A draft is a folder `.draft-<alert>`; evidence is a folder `<number>-<alert>` with a manifest and its signature. One `rename` turns
//! the first into the second, when all is on the disk. So at any moment, whatever stops the machine, there is either a draft, of which
//! nothing counts yet, or evidence, of which all does.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::canonical;
use super::disk::{self, Content, names, said, sync_folder, write_atomically, write_synced};
use super::form::{MANIFEST, Manifest, Place, SIGNATURE, StoryForm, read_folder_name};
use super::head::Head;
use super::key::{Keys, PublicKey, Signer, by_id};
use super::room::{Limits, Room};
use crate::domain::ids::CameraId;
use crate::pipeline::evidence::{Piece, Sealed, Story, Vault, VaultError};
use crate::pipeline::ports::Clock;

pub(super) const DRAFT: &str = ".draft-";
const STORY: &str = "story.json";
/// What the vault itself may have put into a draft.
const OWN: &[&str] = &[STORY, ".story.json.new", MANIFEST, SIGNATURE];

/// A camera's chain: its last manifest, where that is known.
type Chain = Arc<Mutex<Option<Head>>>;

/// Evidence below a data folder.
pub struct FileVault {
    root: PathBuf,
    signer: Signer,
    keys: Keys,
    clock: Arc<dyn Clock>,
    /// One lock per camera, since only a chain's links must follow each other.
    chains: Mutex<HashMap<CameraId, Chain>>,
    room: Room,
}

/// Where evidence lies below a data folder: what `Sealed::path` begins at.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("evidence")
}

impl FileVault {
    /// Opens `<data_dir>/evidence`, which is made where it is absent, and so is the key.
    pub fn open(data_dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        let root = folder(data_dir);
        fs::create_dir_all(&root).map_err(|e| said("cannot make the folder", &root, &e))?;
        sync_folder(data_dir)?;
        let signer = Signer::open(data_dir)?;
        let keys = by_id(&PublicKey::read_all(&data_dir.join("keys/public"))?);
        let room = Room::of(&root, Limits::NONE);
        Ok(Self { root, signer, keys, clock, chains: Mutex::default(), room })
    }

    /// Takes no more than that.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.room.limits = limits;
        self
    }

    /// Where evidence lies: what `Sealed::path` begins at.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The key that signs.
    pub fn public_key(&self) -> &PublicKey {
        self.signer.public()
    }

    fn camera(&self, story: &Story) -> PathBuf {
        self.root.join(story.camera.as_str())
    }

    fn draft(&self, story: &Story) -> PathBuf {
        self.camera(story).join(format!("{DRAFT}{}", story.alert))
    }

    fn chain(&self, camera: &CameraId) -> Chain {
        Arc::clone(locked(&self.chains).entry(camera.clone()).or_default())
    }

    /// The folder in which these pieces of the alert are sealed already. An alert may have several: its pictures are told before its clip.
    fn sealed_folder(&self, story: &Story) -> Result<Option<PathBuf>, VaultError> {
        let camera = self.camera(story);
        let of_it = |name: &String| read_folder_name(name).is_some_and(|(_, alert)| alert == story.alert);
        let has_them = |folder: &PathBuf| story.pieces.iter().any(|piece| folder.join(&piece.name).exists());
        Ok(names(&camera)?.into_iter().filter(of_it).map(|name| camera.join(name)).find(has_them))
    }

    /// The draft's files as the story names them, on the disk and hashed.
    fn hashed(draft: &Path, story: &Story) -> Result<Vec<(Piece, Content)>, VaultError> {
        let there = names(draft)?;
        let unknown = there
            .iter()
            .find(|name| !OWN.contains(&name.as_str()) && !story.pieces.iter().any(|piece| piece.name == **name));
        if let Some(name) = unknown {
            let path = draft.join(name);
            return Err(VaultError(format!("{} belongs to no piece of alert {}", path.display(), story.alert)));
        }
        let mut pieces = Vec::new();
        for piece in story.pieces.iter().filter(|piece| there.contains(&piece.name)) {
            let path = draft.join(&piece.name);
            let hash = || {
                // Not through a link: what it leads to could be changed without touching what is here.
                if !fs::symlink_metadata(&path)?.is_file() {
                    return Err(io::Error::other("is no file"));
                }
                let file = File::open(&path)?;
                file.sync_all()?;
                disk::digest(file, |_| Ok(()))
            };
            pieces.push((piece.clone(), hash().map_err(|e| said("cannot hash", &path, &e))?));
        }
        if pieces.is_empty() {
            return Err(VaultError(format!("{} holds no piece of alert {}", draft.display(), story.alert)));
        }
        Ok(pieces)
    }

    /// Puts the draft into its place as the chain's next.
    fn link(&self, story: &Story, pieces: &[(Piece, Content)]) -> Result<Manifest, VaultError> {
        let (camera, draft) = (self.camera(story), self.draft(story));
        let chain = self.chain(&story.camera);
        let mut head = locked(&chain);
        // Taken out: where anything below fails, the next one looks at the disk again.
        let last = match head.take() {
            Some(head) => Some(head),
            None => Head::find(&camera, story.camera.as_str(), &self.keys)?,
        };
        let place = Place {
            number: last.as_ref().map_or(1, |head| head.number + 1),
            previous: last.map(|head| head.sha256),
            sealed_at: self.clock.now(),
            signer: self.signer.form(),
        };
        let manifest = Manifest::of(story, pieces, place);
        let bytes = canonical::bytes(&manifest)?;
        write_synced(&draft.join(MANIFEST), &bytes)?;
        write_synced(&draft.join(SIGNATURE), &canonical::bytes(&self.signer.sign(&bytes))?)?;
        // The manifest says all that the story did: a crash from here on loses nothing of it.
        for name in [STORY, ".story.json.new"] {
            removed(fs::remove_file(draft.join(name)), &draft.join(name))?;
        }
        sync_folder(&draft)?;
        let sealed = camera.join(manifest.folder());
        fs::rename(&draft, &sealed).map_err(|e| said("cannot put in place", &sealed, &e))?;
        sync_folder(&camera)?;
        let now = Head { number: manifest.number, sha256: canonical::sha256(&bytes) };
        if let Err(e) = now.write(&camera, story.camera.as_str(), &self.signer) {
            // The evidence is sealed all the same, and the next one will note that it is there.
            tracing::warn!(camera = story.camera.as_str(), error = %e, "how far the chain goes could not be noted");
        }
        *head = Some(now);
        Ok(manifest)
    }
}

impl Vault for FileVault {
    fn begin(&self, story: &Story) -> Result<PathBuf, VaultError> {
        if let Some(piece) = story.pieces.iter().find(|piece| !is_plain(&piece.name)) {
            let name = &piece.name;
            return Err(VaultError(format!("a piece is named {name:?}, wants a plain file name such as clip.mp4")));
        }
        if let Some(folder) = self.sealed_folder(story)? {
            return Err(VaultError(format!("alert {} is sealed in {}", story.alert, folder.display())));
        }
        self.room.check(&self.root)?;
        let (camera, draft) = (self.camera(story), self.draft(story));
        fs::create_dir_all(&draft).map_err(|e| said("cannot make the folder", &draft, &e))?;
        write_atomically(&draft.join(STORY), &canonical::bytes(&StoryForm::of(story))?)?;
        sync_folder(&camera)?;
        sync_folder(&self.root)?;
        Ok(draft)
    }

    fn seal(&self, story: &Story) -> Result<Vec<Sealed>, VaultError> {
        let draft = self.draft(story);
        if draft.is_dir() {
            let pieces = Self::hashed(&draft, story)?;
            let manifest = self.link(story, &pieces)?;
            self.room.taken(pieces.iter().map(|(_, content)| content.size).sum());
            return manifest.sealed().map_err(|e| VaultError(e.0));
        }
        // Sealed already: the service died before it could note it elsewhere, and asks again.
        let folder = self.sealed_folder(story)?.ok_or_else(|| {
            VaultError(format!("nothing was begun of alert {}: there is no {}", story.alert, draft.display()))
        })?;
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(|e| said("cannot read", &path, &e))?;
        let manifest: Manifest = canonical::read(&text).map_err(|e| VaultError(format!("{} {e}", path.display())))?;
        manifest.sealed().map_err(|e| VaultError(format!("{}: {e}", path.display())))
    }

    fn discard(&self, story: &Story) -> Result<(), VaultError> {
        let draft = self.draft(story);
        removed(fs::remove_dir_all(&draft), &draft)?;
        if self.camera(story).is_dir() { sync_folder(&self.camera(story)) } else { Ok(()) }
    }

    fn left_behind(&self) -> Result<Vec<Story>, VaultError> {
        let mut stories = Vec::new();
        for camera in names(&self.root)?.into_iter().filter(|name| CameraId::parse(name).is_ok()) {
            let camera = self.root.join(camera);
            for name in names(&camera)?.into_iter().filter(|name| name.starts_with(DRAFT)) {
                let draft = camera.join(name);
                match left(&draft) {
                    Ok(Some(story)) => stories.push(story),
                    // It died before `begin` returned: nothing can be in it.
                    Ok(None) => removed(fs::remove_dir_all(&draft), &draft)?,
                    // One spoilt draft must not keep the others from being sealed.
                    Err(error) => {
                        tracing::warn!(path = %draft.display(), error, "a draft of evidence cannot be read; it stays");
                    }
                }
            }
        }
        Ok(stories)
    }
}

/// What a draft is about, as far as its files are there.
fn left(draft: &Path) -> Result<Option<Story>, String> {
    let there = names(draft).map_err(|e| e.0)?;
    // A story that is gone has become a manifest, which may be one that was not yet signed.
    let Some(told) = [STORY, MANIFEST].into_iter().find(|name| there.iter().any(|n| n == name)) else {
        let foreign = there.iter().find(|name| !OWN.contains(&name.as_str()));
        return foreign.map_or(Ok(None), |name| Err(format!("has {name}, and no {STORY}")));
    };
    let text = fs::read(draft.join(told)).map_err(|e| format!("{told}: {e}"))?;
    let form: StoryForm = canonical::read(&text).map_err(|e| format!("{told} {e}"))?;
    let mut story = form.story().map_err(|e| format!("{told}: {e}"))?;
    let here = draft.parent().and_then(Path::file_name).is_some_and(|name| name == story.camera.as_str())
        && draft.file_name().is_some_and(|name| name == &*format!("{DRAFT}{}", story.alert));
    if !here {
        return Err(format!("{told} is about alert {} of camera {}", story.alert, story.camera));
    }
    story.pieces.retain(|piece| there.contains(&piece.name));
    for piece in &mut story.pieces {
        piece.cut = true;
    }
    Ok(Some(story))
}

/// A file's name that leads nowhere else, is no draft's and none of the vault's own.
pub(super) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) && !OWN.contains(&name)
}

/// That something is gone already is no error.
fn removed(done: io::Result<()>, path: &Path) -> Result<(), VaultError> {
    match done {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(said("cannot remove", path, &e)),
        _ => Ok(()),
    }
}

/// What a panicking thread held is looked up on the disk by whoever comes next.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
