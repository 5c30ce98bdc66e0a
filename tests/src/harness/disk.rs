//! A disk of its own that is small, can be filled to the last byte, and can be made read-only.
//!
//! It is a real file system (tmpfs) in a mount namespace of its own, so that nobody else's mounts change and no root is
//! needed. A process holds the namespace, and everybody reaches the disk by way of `/proc/PID/root`.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Running;

/// What the process that holds the namespace does: mounts the disk, then mounts it again as each line says.
const KEEPER: &str = r#"
mount -t tmpfs -o "size=$2k,mode=0700" handschlag "$1" && echo ready || exit 1
while read -r how; do mount -o "remount,$how" "$1" && echo done || echo refused; done
"#;

/// The bytes by which the ballast grows, from coarse to fine.
const STEPS: [usize; 2] = [256 * 1024, 4096];

/// A small disk; it goes with the value.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
    keeper: Running,
}

impl SmallDisk {
    /// Makes an empty disk of so many KiB on a folder, which is made.
    ///
    /// # Panics
    /// When the system gives no mount namespace, and says what to do then.
    pub fn make(folder: &Path, kib: u32) -> Self {
        fs::create_dir_all(folder).expect("the folder can be made");
        let mut command = Command::new("unshare");
        command
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                KEEPER,
                "keeper",
            ])
            .arg(folder)
            .arg(kib.to_string())
            .stderr(Stdio::inherit());
        let mut keeper = Running::start("unshare", &mut command);
        let ready = keeper.next_line();
        assert_eq!(
            ready.as_deref(),
            Some("ready"),
            "tests of full disks mount a small one in a namespace of their own, and this system refuses: \
             run them as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
             kernel.apparmor_restrict_unprivileged_userns=0)"
        );
        let below = folder
            .strip_prefix("/")
            .expect("a temporary folder is absolute");
        let path = Path::new("/proc")
            .join(keeper.id().to_string())
            .join("root")
            .join(below);
        Self { path, keeper }
    }

    /// Gives the folder of the disk.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it until so many KiB are left.
    ///
    /// # Panics
    /// When it cannot be written for another reason.
    pub fn fill_but(&self, kib: u64) {
        let ballast = self.ballast();
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&ballast)
            .expect("the ballast opens");
        for step in STEPS {
            let piece = vec![7; step];
            loop {
                match file.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk can be filled: {error}"),
                }
            }
        }
        let len = file.metadata().expect("the ballast is there").len();
        file.set_len(len.saturating_sub(kib * 1024))
            .expect("the ballast shrinks");
    }

    /// Takes away what fills it.
    ///
    /// # Panics
    /// When it cannot.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("the ballast goes");
    }

    /// Lets it take no more writes, or take them again; nobody may have a file there open for writing.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn set_read_only(&mut self, is_read_only: bool) {
        self.keeper
            .write_line(if is_read_only { "ro" } else { "rw" });
        let said = self.keeper.next_line();
        assert_eq!(said.as_deref(), Some("done"), "the disk is mounted again");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}
