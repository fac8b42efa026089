#!/usr/bin/env python3
"""Verifies a bundle of evidence without Lightbar.

    verify_evidence.py BUNDLE.zip [PUBLICKEY.json ...]

Wants Python 3.8 and, for the signatures, either the package `cryptography` or OpenSSL 3 (`openssl`). The forms are those of
docs/evidence.md. Without a public key that you got by another way it is only shown that all of the bundle fits together, not who
made it. Exit status: 0 as it was sealed, 1 not so.
"""
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile

FOLDER = re.compile(r"^evidence/([a-z0-9][a-z0-9-]*)/((\d{8,})-([0-9a-f-]{36}))/([A-Za-z0-9_-][A-Za-z0-9._-]*)$")
findings = []


def found(place, problem):
    findings.append(f"{place}: {problem}")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def ed25519(key, signature, data):
    """Whether the signature is that of the data."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        # The public key as OpenSSL reads it: RFC 8410.
        der = bytes.fromhex("302a300506032b6570032100") + key
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("key", der), ("signature", signature), ("data", data)):
                with open(f"{folder}/{name}", "wb") as file:
                    file.write(content)
            done = subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", f"{folder}/key",
                 "-in", f"{folder}/data", "-sigfile", f"{folder}/signature"], capture_output=True)
            return done.returncode == 0
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
        return True
    except InvalidSignature:
        return False


def read_key(text):
    key = json.loads(text)
    public = bytes.fromhex(key["public_key"])
    if key["algorithm"] != "Ed25519" or key["key_id"] != sha256(public)[:16]:
        raise ValueError("is no Ed25519 key with its own id")
    return key["key_id"], public


def signed(place, data, signature_text, signer, keys):
    """Checks a signature that lies beside what it signs; gives the key's id."""
    signature = json.loads(signature_text)
    key_id = signature["key_id"]
    one_way = json.dumps(signature, separators=(",", ":"), sort_keys=True).encode()
    if one_way != signature_text or signature["signature"] != signature["signature"].lower() or len(signature) != 3:
        found(place, "has a signature that is not written in the one way it must be")
    if signature["algorithm"] != "Ed25519" or signer != {"algorithm": "Ed25519", "key_id": key_id}:
        found(place, "does not name its signer as its signature does")
    elif key_id not in keys:
        found(place, f"is signed by key {key_id}, which is not among {sorted(keys)}")
    elif not ed25519(keys[key_id], bytes.fromhex(signature["signature"]), data):
        found(place, f"does not fit its signature by key {key_id}")
    return key_id


def is_whole(place, content, told):
    digest = told["digest"]
    if digest["algorithm"] != "SHA-256":
        found(place, f"has a digest by {digest['algorithm']}, which this script does not know")
    elif (sha256(content), len(content)) != (digest["value"], told["size_bytes"]):
        found(place, f"has SHA-256 {sha256(content)} and {len(content)} bytes, wants {digest['value']} and {told['size_bytes']}")


def chain(camera, links, whole, keys, read):
    """Checks one camera's manifests and pieces, in the order of their numbers."""
    before, signers = None, set()
    for folder in sorted(links):
        root, names = f"evidence/{camera}/{folder}", links[folder]
        place = f"{root}/manifest.json"
        text = read(place)
        manifest = json.loads(text)
        signers.add(signed(place, text, read(f"{root}/manifest.sig.json"), manifest["signer"], keys))
        number, previous = manifest["number"], manifest["previous"]
        if (manifest["camera"], f"{number:08}-{manifest['alert_id']}") != (camera, folder):
            found(place, "belongs elsewhere")
        if before and number != before[0] + 1:
            found(place, f"has number {number} after {before[0]}: something is missing between")
        if (previous is None) != (number == 1):
            found(place, "names no manifest before it, or one before the first")
        elif before and previous["digest"] != {"algorithm": "SHA-256", "value": before[1]}:
            found(place, f"does not follow number {before[0]}, which has SHA-256 {before[1]}")
        before = (number, sha256(text))
        pieces = {piece["name"]: piece for piece in manifest["pieces"]} if (camera, folder) in whole else {}
        for name in sorted(names ^ {*pieces, "manifest.json", "manifest.sig.json"}):
            found(f"{root}/{name}", "is here and should not be" if name in names else "is missing")
        for name in sorted(names & set(pieces)):
            is_whole(f"{root}/{name}", read(f"{root}/{name}"), pieces[name])
    return signers


def verify(bundle, given):
    with zipfile.ZipFile(bundle) as file:
        names, read = file.namelist(), file.read
        # The bundle's own keys; one that was given stands above that of the same id.
        keys = dict(read_key(read(name)) for name in names if name.startswith("keys/"))
        keys.update(given)
        text = read("custody.json")
        custody = json.loads(text)
        signers = {signed("custody.json", text, read("custody.sig.json"), custody["signer"], keys)}
        listed = [told["name"] for told in custody["files"]]
        if names != listed + ["custody.json", "custody.sig.json"]:
            odd = sorted(set(names) ^ {*listed, "custody.json", "custody.sig.json"}) or "the order"
            found("the bundle", f"has not the files that custody.json lists: {odd}")
        for told in custody["files"]:
            if told["name"] in names:
                is_whole(told["name"], read(told["name"]), told)
        cameras = {}
        for name in names:
            match = FOLDER.match(name)
            if match:
                cameras.setdefault(match[1], {}).setdefault(match[2], set()).add(match[5])
            elif not (name in ("index.html", "custody.json", "custody.sig.json") or name.startswith("keys/")):
                found(name, "belongs to no bundle")
        evidence = {(of["camera"], of["folder"]): of["whole"] for of in custody["evidence"]}
        for camera, folder in sorted(set(evidence) ^ {(c, f) for c, folders in cameras.items() for f in folders}):
            found(f"evidence/{camera}/{folder}", "is missing, or not listed in custody.json")
        whole = {place for place, is_all in evidence.items() if is_all}
        for camera, links in sorted(cameras.items()):
            signers |= chain(camera, links, whole, keys, read)
        for key_id in sorted(signers - set(given)) if given else []:
            found("signer", f"key {key_id} signed, wants {sorted(given)}")
    return signers


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    given, signers = {}, set()
    try:
        for path in sys.argv[2:]:
            with open(path, "rb") as file:
                given.update([read_key(file.read())])
        signers = verify(sys.argv[1], given)
    # A changed file may be broken in any way; each is a finding, never a pass.
    except Exception as error:  # noqa: BLE001
        found(sys.argv[1], f"cannot be read: {type(error).__name__}: {error}")
    for finding in findings:
        print(finding)
    print("signed by key:", ", ".join(sorted(signers)) or "unknown")
    if not given:
        print("No key was given: this shows only that all of it fits together, not who made it.")
    print("NOT as it was sealed" if findings else "as it was sealed")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
