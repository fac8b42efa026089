//! `index.html` of a bundle: what is in it, for people, in Chinese and English. It proves nothing by itself and says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bundle::{Handover, Listed};
use super::disk::Content;
use super::form::{Manifest, SealedForm};
use super::vault::is_plain;

/// A folder of the bundle.
pub(super) struct Shown {
    pub(super) listed: Listed,
    /// Absent where it could not be read.
    pub(super) manifest: Option<Manifest>,
    /// Its files in the bundle.
    pub(super) files: BTreeMap<String, Content>,
}

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>证据 Evidence</title>\n<style>\n\
body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\n\
section{border-top:1px solid #888;padding:.5em 0 1em}\nimg,video{max-width:100%;max-height:20em;display:block;margin:.3em 0}\n\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em}\ndt{color:#555}\ndd{margin:0;overflow-wrap:anywhere}\n\
code{font-size:85%}\n.bad{color:#b00;font-weight:bold}\n</style>\n</head>\n<body>\n<h1>证据 Evidence</h1>\n";

pub(super) fn page(handover: &Handover, exported_at: &str, key_id: &str, shown: &[Shown]) -> String {
    let mut out = HEAD.to_owned();
    let facts = [
        ("案件 Case", handover.case.as_str()),
        ("用途 Purpose", &handover.purpose),
        ("经办 Handed out by", &handover.actor),
        ("导出时间 Exported at (UTC)", exported_at),
        ("签名密钥 Signing key", key_id),
    ];
    facts_into(&mut out, &facts);
    out += "<p>本页仅供阅读, 本身不构成证明。核验请运行 <code>lightbar evidence verify</code>, 或 <code>verify_evidence.py</code>。<br>\n\
            This page is for reading and proves nothing by itself. To verify: <code>lightbar evidence verify</code>, or \
            <code>verify_evidence.py</code>.</p>\n";
    for of in shown {
        section(&mut out, of);
    }
    out += "</body>\n</html>\n";
    out
}

fn section(out: &mut String, of: &Shown) {
    let folder = format!("evidence/{}/{}", of.listed.camera, of.listed.folder);
    put(out, format_args!("<section>\n<h2>{} / {}</h2>\n", escaped(&of.listed.camera), escaped(&of.listed.folder)));
    let Some(manifest) = &of.manifest else {
        *out += "<p class=\"bad\">清单无法读取 The manifest cannot be read</p>\n</section>\n";
        return;
    };
    let told = &manifest.told;
    let rule = told.rule.as_ref().map_or_else(String::new, |rule| format!("{} rev {}", rule.id, rule.rev));
    let number = manifest.number.to_string();
    let facts = [
        ("摄像机 Camera", told.camera.as_str()),
        ("编号 Number", &number),
        ("告警 Alert", &told.alert_id),
        ("类型 Kind", &told.kind),
        ("规则 Rule", &rule),
        ("触发时间 Triggered at (UTC)", &told.triggered_at),
        ("封存时间 Sealed at (UTC)", &manifest.sealed_at),
    ];
    facts_into(out, &facts);
    if of.listed.whole {
        for piece in &manifest.pieces {
            show(out, &folder, piece, of.files.get(&piece.piece.name));
        }
    } else {
        *out += "<p>仅清单, 用于证明链条完整 Only its manifest is here, which shows that the chain is whole.</p>\n";
    }
    *out += "</section>\n";
}

fn show(out: &mut String, folder: &str, piece: &SealedForm, content: Option<&Content>) {
    let form = &piece.piece;
    let name = escaped(&form.name);
    put(out, format_args!("<h3>{name}</h3>\n"));
    if content.is_some() && is_plain(&form.name) {
        let link = escaped(&format!("{folder}/{}", form.name));
        match form.kind.as_str() {
            "snapshot" => put(out, format_args!("<a href=\"{link}\"><img src=\"{link}\" alt=\"{name}\"></a>\n")),
            "clip" => put(
                out,
                format_args!(
                    "<video src=\"{link}\" controls preload=\"metadata\"></video>\n<a href=\"{link}\">{name}</a>\n"
                ),
            ),
            _ => put(out, format_args!("<a href=\"{link}\">{name}</a>\n")),
        }
    }
    let state = match content {
        None => "文件缺失 The file is missing",
        Some(content) if content.sha256 != piece.digest.value => "与封存时不符 NOT as it was sealed",
        Some(_) => "与封存时一致 As it was sealed",
    };
    let marks = match (form.cut, form.masked) {
        (false, false) => "无 none",
        (true, false) => "不完整 cut",
        (false, true) => "已遮挡隐私 masked",
        (true, true) => "不完整, 已遮挡隐私 cut, masked",
    };
    let size = piece.size_bytes.to_string();
    let facts = [
        ("时段 Shows", form.role.as_str()),
        ("拍摄时间 Captured at (UTC)", &form.captured_at),
        ("标记 Marks", marks),
        ("字节 Bytes", &size),
        (piece.digest.algorithm.as_str(), &piece.digest.value),
        ("导出时状态 State at export", state),
    ];
    facts_into(out, &facts);
}

fn facts_into(out: &mut String, facts: &[(&str, &str)]) {
    *out += "<dl>\n";
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        put(out, format_args!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value)));
    }
    *out += "</dl>\n";
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string does not fail");
}

/// Names and reasons come from configurations and people.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}
