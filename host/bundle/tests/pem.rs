//! Key files as people have them: whatever openssl reads without a guess is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_bundle::keys::{PrivateKey, read_public};
use drydock_format::PublicKey;
use std::path::Path;
use std::process::Command;

/// A folder with Ed25519 keys `k` and `other`, made by openssl, and files made of them by a script.
fn with(script: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let keys = "for k in k other; do openssl genpkey -algorithm ed25519 -out $k.pem
        openssl pkey -in $k.pem -pubout -out $k.pub.pem; done\n";
    let output = Command::new("bash").args(["-euc", &(keys.to_owned() + script)]).current_dir(&dir).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

fn public(dir: &Path, name: &str) -> Result<PublicKey, String> {
    read_public(&dir.join(name)).map_err(|error| error.to_string())
}

fn private(dir: &Path, name: &str) -> Result<PublicKey, String> {
    PrivateKey::read(&dir.join(name)).map(|key| key.public().unwrap()).map_err(|error| error.to_string())
}

#[test]
fn what_openssl_reads_is_read() {
    let dir = with(
        r#"
        for k in k.pem k.pub.pem; do
            (cat $k; echo) > blank.$k
            (cat $k; echo '# Acme release key') > comment.$k
            (printf 'caf\351\n'; cat $k) > latin1.$k
            printf '\357\273\277' | cat - $k > mark.$k
            sed 's/$/\r/' $k > crlf.$k
            head -c -1 $k > unended.$k
            cat k.pem k.pub.pem > both.$k
            cat k.pub.pem k.pem > turned.$k
            for width in 16 48 76; do
                (head -1 $k; grep -v -- ----- $k | base64 -d | base64 -w $width; tail -1 $k) > $width.$k
            done
        done
        openssl req -x509 -key k.pem -subj /CN=acme -days 1 -out cert
        cat cert k.pub.pem > cert.k.pub.pem; cat cert k.pem > cert.k.pem
        openssl pkey -in k.pem -aes256 -passout pass:x -out locked; cat locked k.pub.pem > encrypted.k.pub.pem
        "#,
    );
    let key = public(dir.path(), "k.pub.pem").unwrap();
    let kinds =
        ["blank", "comment", "latin1", "mark", "crlf", "unended", "both", "turned", "16", "48", "76", "cert"];
    for kind in kinds {
        assert_eq!(public(dir.path(), &format!("{kind}.k.pub.pem")), Ok(key.clone()), "{kind}");
        assert_eq!(private(dir.path(), &format!("{kind}.k.pem")), Ok(key.clone()), "{kind}");
    }
    assert_eq!(public(dir.path(), "encrypted.k.pub.pem"), Ok(key));
}

#[test]
fn what_could_mean_two_things_or_nothing_is_refused_with_the_way_out() {
    let dir = with(
        r#"
        cat k.pem other.pem > two.pem; cat k.pub.pem other.pub.pem > two.pub.pem
        cat k.pem k.pem > twice.pem; cat k.pub.pem k.pub.pem > twice.pub.pem
        cat k.pem other.pub.pem > foreign
        openssl pkey -in k.pem -outform DER -out der; openssl pkey -in k.pem -pubout -outform DER -out pub.der
        openssl pkey -in k.pem -aes256 -passout pass:x -out locked
        cat locked k.pem > locked-and-not
        openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out rsa
        openssl pkey -in rsa -pubout -out rsa.pub
        head -2 k.pem > cut; head -2 k.pub.pem > cut.pub
        sed 's/END PUBLIC/END PRIVATE/' k.pub.pem > crossed.pub
        sed 2s/.$/!/ k.pub.pem > damaged.pub
        iconv -t UTF-16 k.pub.pem > utf16.pub
        (head -1 k.pub.pem; grep -v -- ----- k.pub.pem | base64 -d | cat - <(echo) | base64; tail -1 k.pub.pem) > longer.pub
        : > empty; head -c 2000000 /dev/zero > zeros
        "#,
    );
    let dir = dir.path();
    for (name, words) in [
        ("two.pem", "holds 2 blocks PRIVATE KEY"),
        ("twice.pem", "a file of its own"),
        ("foreign", "do not belong together"),
        ("der", "it is DER; convert it (openssl pkey -inform DER"),
        ("locked", "encrypted"),
        ("locked-and-not", "encrypted"),
        ("rsa", "of another kind than Ed25519"),
        ("cut", "has no end"),
        ("k.pub.pem", "a public key only"),
        ("empty", "no block PRIVATE KEY"),
        ("zeros", "too large"),
        ("missing", "No such file"),
    ] {
        let refused = private(dir, name).unwrap_err();
        assert!(refused.contains(words), "{name}: {refused}");
    }
    for (name, words) in [
        ("two.pub.pem", "holds 2 blocks PUBLIC KEY"),
        ("twice.pub.pem", "a file of its own"),
        ("foreign", "do not belong together"),
        ("pub.der", "it is DER; convert it"),
        ("rsa.pub", "of another kind than Ed25519"),
        ("cut.pub", "has no end"),
        ("crossed.pub", "ends as PRIVATE KEY"),
        ("damaged.pub", "not base64"),
        ("longer.pub", "damaged"),
        ("utf16.pub", "no block PUBLIC KEY"),
        ("k.pem", "openssl pkey -pubout"),
        ("locked", "no block PUBLIC KEY"),
        ("empty", "no block PUBLIC KEY"),
        ("zeros", "too large"),
    ] {
        let refused = public(dir, name).unwrap_err();
        assert!(refused.contains(words), "{name}: {refused}");
    }
}
