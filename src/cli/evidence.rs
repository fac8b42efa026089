//! `lightbar evidence`: what is kept, whether it is as it was sealed, and handing it out.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::clock::SystemClock;
use crate::contract::time::{local, parse_rfc3339};
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;
use crate::evidence::{self, Handover, PublicKey, Report, Selection, Signer, verify_bundle, verify_folder};

use super::examples;
use super::store::Place;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the evidence that is kept; the service may run.
    #[command(after_help = examples::EVIDENCE_LIST)]
    List {
        #[command(flatten)]
        place: Place,
        /// Only of this camera.
        #[arg(long, value_name = "ID", value_parser = camera)]
        camera: Option<CameraId>,
    },
    /// Verify a bundle, or evidence where it is kept. Exit status 1 where anything is not as it was sealed.
    #[command(after_help = examples::EVIDENCE_VERIFY)]
    Verify {
        /// A bundle, the folder of a camera, or the folder of all evidence.
        #[arg(value_name = "BUNDLE.zip|FOLDER")]
        what: PathBuf,
        /// A public key that was got by another way: only such may have signed. May be given several times.
        #[arg(long = "key", value_name = "FILE")]
        keys: Vec<PathBuf>,
    },
    /// Pack evidence into a bundle for somebody else; the service may run.
    #[command(after_help = examples::EVIDENCE_EXPORT)]
    Export(Export),
    /// Print the public key for those who verify.
    #[command(after_help = examples::EVIDENCE_KEY)]
    Key {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    place: Place,
    /// The evidence of an alert. May be given several times.
    #[arg(long = "alert", value_name = "ID", value_parser = alert, required_unless_present = "camera", conflicts_with = "camera")]
    alerts: Vec<AlertId>,
    /// All of a camera that was triggered between --from and --to.
    #[arg(long, value_name = "ID", value_parser = camera, requires_all = ["from", "to"])]
    camera: Option<CameraId>,
    /// The first moment, RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "camera")]
    from: Option<Timestamp>,
    /// The first moment that is too late.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "camera")]
    to: Option<Timestamp>,
    /// For which case.
    #[arg(long, value_name = "TEXT")]
    case: String,
    /// For what.
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// Who hands it out [default: the account that runs this].
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// The bundle; it must not be there yet.
    #[arg(long, value_name = "FILE.zip")]
    out: PathBuf,
}

fn camera(text: &str) -> Result<CameraId, String> {
    CameraId::parse(text).map_err(|e| e.to_string())
}

fn alert(text: &str) -> Result<AlertId, String> {
    AlertId::parse(text).ok_or_else(|| "wants an alert's id, a UUID in small letters".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    parse_rfc3339(text).ok_or_else(|| "wants a time such as 2026-03-01T18:00:00+08:00".to_owned())
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::List { place, camera } => list(&place.folder()?, camera.as_ref()),
        Command::Verify { what, keys } => {
            let keys = keys.iter().map(|path| PublicKey::read(path)).collect::<Result<Vec<_>, _>>()?;
            tell(&verify(&what, &keys)?)
        }
        Command::Export(args) => export(args),
        Command::Key { place } => {
            let signer = Signer::existing(&place.folder()?)?;
            let mut out = io::stdout().lock();
            out.write_all(&signer.public().to_json()?)?;
            writeln!(out)?;
            writeln!(io::stderr().lock(), "key id 密钥编号: {}", signer.public().key_id())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(data_dir: &Path, camera: Option<&CameraId>) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for kept in evidence::list(data_dir, camera)? {
        let at = kept.triggered_at.as_deref().and_then(parse_rfc3339).map_or_else(|| "?".to_owned(), local);
        let kind = kept.kind.as_deref().unwrap_or("its manifest cannot be read 清单无法读取");
        let (pieces, kib) = (kept.pieces.join(" "), kept.bytes.div_ceil(1024));
        writeln!(out, "{} {:08} {at} {} {kind} {kib} KiB {pieces}", kept.camera, kept.number, kept.alert)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(what: &Path, keys: &[PublicKey]) -> anyhow::Result<Report> {
    if !what.is_dir() {
        return Ok(verify_bundle(what, keys)?);
    }
    if !keys.is_empty() {
        return Ok(verify_folder(what, keys)?);
    }
    // Beside evidence lie the keys that the service itself used: they show that all fits together, as those in a bundle do.
    let folder = what.canonicalize().with_context(|| format!("cannot open {}", what.display()))?;
    let beside = folder.ancestors().skip(1).take(2).map(|above| above.join("keys/public")).find(|keys| keys.is_dir());
    let Some(beside) = beside else {
        bail!("there are no keys beside {}; name a public key with --key", what.display());
    };
    let mut report = verify_folder(what, &PublicKey::read_all(&beside)?)?;
    report.keys_given = false;
    Ok(report)
}

/// Everything that was found; exit status 1 where that is anything.
fn tell(report: &Report) -> anyhow::Result<ExitCode> {
    write!(io::stdout().lock(), "{report}")?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn export(args: Export) -> anyhow::Result<ExitCode> {
    let data_dir = args.place.folder()?;
    let selection = match (args.camera, args.from, args.to) {
        (Some(camera), Some(from), Some(to)) => Selection::Span { camera, from, to },
        _ => Selection::Alerts(args.alerts),
    };
    let account = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let Some(actor) = args.actor.or_else(account) else { bail!("say with --actor who hands it out") };
    let handover = Handover { case: args.case, purpose: args.purpose, actor };
    let done = evidence::export(&data_dir, &selection, &handover, &SystemClock, &args.out)?;
    let key = Signer::existing(&data_dir)?.public().clone();
    writeln!(
        io::stdout().lock(),
        "written 已导出: {} (evidence 证据: {}, manifests alone 仅清单: {}, files 文件: {})\nto verify 核验: lightbar evidence verify {} --key \
         KEY.json   (key id 密钥编号: {})",
        args.out.display(),
        done.whole,
        done.manifests_only,
        done.files,
        args.out.display(),
        key.key_id(),
    )?;
    // All keys of this service may have signed what is in it; that these are true this machine knows best.
    tell(&verify_bundle(&args.out, &PublicKey::read_all(&data_dir.join("keys/public"))?)?)
}
