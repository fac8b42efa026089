//! What a plan happens to: the service as a child process with its folder, its disk and its clock, and what can be done to them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::skipped::skipped;

/// The account of the service at the broker.
pub(crate) const ACCOUNT: &str = "lightbar";
/// Its password.
pub(crate) const PASSWORD: &str = "correct-horse";
/// A supervisor waits so long before it starts what has ended.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What is needed for faults that need something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abilities {
    /// Root, to mount a small disk.
    pub(crate) disk: bool,
    /// What is loaded before libc, built by a C compiler: disks that fail, clocks that jump.
    pub(crate) preload: Option<PathBuf>,
}

impl Abilities {
    /// Looks what is there, and says loudly what is not.
    pub(crate) fn find(folder: &Path) -> Self {
        let probe = folder.join("probe");
        fs::create_dir_all(&probe).unwrap();
        let disk = Disk::mount(&probe, "size=1m").is_some();
        let (source, library) =
            (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/preload.c"), folder.join("preload.so"));
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).arg("-ldl").status();
        let preload = built.is_ok_and(|status| status.success()).then_some(library);
        for (there, what) in [
            (disk, "plans with a full disk: root is needed to mount one"),
            (
                preload.is_some(),
                "plans with a failing disk or a clock that jumps: cc does not build tests/faults/preload.c",
            ),
        ] {
            if !there {
                skipped(what);
            }
        }
        Self { disk, preload }
    }
}

/// A small disk in memory; taken down when dropped.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(crate) fn mount(folder: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output().ok()?;
        mounted.status.success().then(|| Self { folder: folder.to_owned() })
    }

    fn fill(&self) {
        let Ok(mut filler) = File::create(self.folder.join("filler")) else { return };
        for piece in [64 << 10, 4 << 10, 1] {
            while filler.write_all(&vec![b'x'; piece]).is_ok() {}
        }
    }

    fn free(&self) {
        // It is not there where the disk was full before it could be made.
        fs::remove_file(self.folder.join("filler")).ok();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(gone.is_ok_and(|status| status.success()) || std::thread::panicking(), "the disk stays mounted");
    }
}

/// How much room the store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// As much as a measurement of hours wants.
    Ample,
    /// A quota that a plan can reach, on the machine's own disk.
    Quota,
    /// The same on a disk of its own that can be filled, where one can be mounted.
    SmallDisk,
}

/// The service under a supervisor that starts it again when it has ended.
pub(crate) struct World {
    folder: tempfile::TempDir,
    disk: Option<Disk>,
    abilities: Abilities,
    child: Option<Child>,
    /// Whether it is meant to run.
    wanted: bool,
    ended_at: Option<Instant>,
    starts: u64,
    /// Times that it ended though nobody told it to.
    pub(crate) ended_by_itself: u32,
    seed: u64,
    rate: u32,
    prefix: String,
    room: Room,
}

impl World {
    /// `brokers`: where the service believes Kafka to be.
    pub(crate) fn new(
        brokers: &str,
        prefix: &str,
        abilities: &Abilities,
        (seed, rate): (u64, u32),
        room: Room,
    ) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = folder.path();
        fs::create_dir(at.join("data")).unwrap();
        let disk = (room == Room::SmallDisk && abilities.disk)
            .then(|| Disk::mount(&at.join("data"), "size=192m").expect("it could a moment ago"));
        let world = Self {
            folder,
            disk,
            abilities: abilities.clone(),
            child: None,
            wanted: false,
            ended_at: None,
            starts: 0,
            ended_by_itself: 0,
            seed,
            rate,
            prefix: prefix.to_owned(),
            room,
        };
        world.set_brokers(brokers, true);
        world.set_password(PASSWORD);
        world.set_clock(0);
        world.set_sync("");
        world
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts the service; from now on it is started again when it ends.
    pub(crate) fn start(&mut self) {
        self.wanted = true;
        self.spawn(self.rate);
    }

    /// Starts it to send what is left.
    pub(crate) fn start_draining(&mut self) {
        self.rate = 0;
        self.start();
    }

    /// Starts it where it does not run.
    pub(crate) fn start_again(&mut self) {
        self.wanted = true;
        self.ended_at = None;
        self.supervise();
    }

    /// Waits until it has run for a second without ending; false where it does not come to that.
    pub(crate) fn is_up_within(&mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        let mut up_since = begun;
        while up_since.elapsed() < Duration::from_secs(1) {
            if begun.elapsed() > patience {
                return false;
            }
            let ended = self.ended_by_itself;
            self.supervise();
            if self.child.is_none() || self.ended_by_itself > ended {
                up_since = Instant::now();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        true
    }

    /// For the next start.
    pub(crate) fn set_rate(&mut self, rate: u32) {
        self.rate = rate;
    }

    /// Where the service believes Kafka to be, and whether it has to say who it is there; from its next start on.
    pub(crate) fn set_brokers(&self, brokers: &str, account: bool) {
        let prefix = &self.prefix;
        let (quota_mb, deadlines) = match self.room {
            // Deadlines that pass by the thousand, because an hour is pressed into minutes, are not what is measured.
            Room::Ample => (16_000, "[lifecycle]\nacknowledge_s = [0, 0, 0, 0]\nexpire = false\n"),
            Room::Quota | Room::SmallDisk => (128, ""),
        };
        let sasl = if account {
            format!("[kafka.sasl]\nmechanism = \"plain\"\nusername = \"{ACCOUNT}\"\npassword_file = \"password\"\n")
        } else {
            String::new()
        };
        let text = format!(
            "[service]\nsite = \"faults\"\ndata_dir = \"data\"\nshutdown_deadline_s = 60\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [store]\nquota_mb = {quota_mb}\nreserve_mb = 4\n[inference]\nmodel = \"none\"\n[log]\nlevel = \"info\"\n\
             [kafka]\nbrokers = [\"{brokers}\"]\ntopic_prefix = \"{prefix}\"\nsingle_broker = true\nack_timeout_s = 2\n\
             {sasl}{deadlines}"
        );
        self.put("drill.toml", &text);
    }

    /// Memory of the service that is in use.
    pub(crate) fn resident_mib(&self) -> f64 {
        let Some(child) = &self.child else { return 0.0 };
        let text = fs::read_to_string(format!("/proc/{}/statm", child.id())).unwrap_or_default();
        let pages: f64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
        pages * 4096.0 / f64::from(1 << 20)
    }

    /// A histogram's buckets: upper bound, and how many observations are up to it.
    pub(crate) fn histogram(&self, name: &str) -> Vec<(f64, f64)> {
        let log = self.log();
        let page = log.rsplit("page=").next().and_then(|rest| rest.split_whitespace().next()).unwrap();
        let text = ureq::get(format!("{page}metrics")).call().unwrap().body_mut().read_to_string().unwrap();
        text.lines()
            .filter_map(|line| {
                let (bound, count) = line.strip_prefix(&format!("{name}_bucket{{le=\""))?.split_once("\"} ")?;
                Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? }, count.parse().ok()?))
            })
            .collect()
    }

    fn spawn(&mut self, rate: u32) {
        let at = self.folder.path();
        let log = File::options().create(true).append(true).open(at.join("log")).unwrap();
        self.starts += 1;
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightbar"));
        command
            .args(["drill", "--config", "drill.toml", "--journal", "journal", "--rate", &rate.to_string()])
            .args(["--seed", &(self.seed.wrapping_mul(1000) + self.starts).to_string()])
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(library) = &self.abilities.preload {
            command.env("LD_PRELOAD", library);
        }
        command.env("LIGHTBAR_FAULT_SYNC", at.join("sync")).env("LIGHTBAR_FAULT_CLOCK", at.join("clock"));
        self.child = Some(command.spawn().unwrap());
    }

    /// What a supervisor does: looks whether the service runs, and starts it again where it should.
    pub(crate) fn supervise(&mut self) {
        if let Some(child) = &mut self.child
            && child.try_wait().unwrap().is_some()
        {
            self.child = None;
            self.ended_at = Some(Instant::now());
            self.ended_by_itself += u32::from(self.wanted);
        }
        let rested = self.ended_at.is_none_or(|at| at.elapsed() >= AGAIN_AFTER);
        if self.wanted && self.child.is_none() && rested {
            self.spawn(self.rate);
        }
    }

    /// SIGKILL, and nobody starts it again until told to.
    pub(crate) fn kill(&mut self) {
        self.wanted = false;
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM; it is to end by itself within so long.
    pub(crate) fn stop(&mut self, patience: Duration) -> Result<(), String> {
        self.wanted = false;
        let Some(mut child) = self.child.take() else { return Ok(()) };
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let begun = Instant::now();
        let ended: ExitStatus = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if begun.elapsed() > patience => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return Err(format!("the service did not stop within {} s", patience.as_secs()));
                }
                None => std::thread::park_timeout(Duration::from_millis(20)),
            }
        };
        if ended.success() { Ok(()) } else { Err(format!("the service stopped with {ended}")) }
    }

    pub(crate) fn set_password(&self, password: &str) {
        self.put("password", password);
    }

    pub(crate) fn set_sync(&self, word: &str) {
        self.put("sync", word);
    }

    /// Moves the service's wall clock, against the true one.
    pub(crate) fn set_clock(&self, seconds: i64) {
        // In place: the service has it mapped.
        fs::write(self.folder.path().join("clock"), seconds.to_ne_bytes()).unwrap();
    }

    pub(crate) fn fill_disk(&self) {
        if let Some(disk) = &self.disk {
            disk.fill();
        }
    }

    pub(crate) fn free_disk(&self) {
        if let Some(disk) = &self.disk {
            disk.free();
        }
    }

    /// Replaces a file as a whole, so that nobody reads half of it.
    fn put(&self, name: &str, text: &str) {
        let (fresh, path) = (self.folder.path().join(format!("{name}.new")), self.folder.path().join(name));
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, path).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}
