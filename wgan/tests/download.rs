//! Fetching files from a server on this machine that serves well, breaks off, or has something else.

mod workplace;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use wgan::data::download::{Remote, fetch};
use workplace::Workplace;

/// What a server sends for a request, before it closes the connection.
type Answer = fn(request: &str) -> Vec<u8>;

/// A server that gives each of its answers once.
struct Server {
    address: String,
    /// The requests it has answered.
    requests: JoinHandle<Vec<String>>,
}

impl Server {
    fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers.to_vec();
        let serve = move || answers.into_iter().map(|answer| reply(&listener.accept().unwrap().0, answer)).collect();
        Server { address, requests: thread::spawn(serve) }
    }

    fn remote(&self, content: &[u8]) -> Remote {
        Remote {
            address: format!("{}/file.gz", self.address),
            md5: format!("{:x}", md5::compute(content)),
            length: content.len() as u64,
        }
    }

    fn requests(self) -> Vec<String> {
        self.requests.join().unwrap()
    }
}

fn reply(mut stream: &TcpStream, answer: Answer) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let request: String = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase() + "\n").collect();
    let _ = stream.write_all(&answer(&request)); // who has heard enough hangs up
    request
}

fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn content() -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(i) >> 8) as u8).collect()
}

const HALF: usize = 150_000;

fn whole(_: &str) -> Vec<u8> {
    response("200 OK", content().len(), &content())
}

fn first_half(_: &str) -> Vec<u8> {
    response("200 OK", content().len(), &content()[..HALF])
}

/// The bytes from the one on that is asked for.
fn rest(request: &str) -> Vec<u8> {
    let range = request.lines().find_map(|line| line.strip_prefix("range: bytes=")).expect("a range is asked for");
    let first: usize = range.strip_suffix('-').unwrap().parse().unwrap();
    match content().get(first..) {
        Some(rest) if !rest.is_empty() => response("206 Partial Content", rest.len(), rest),
        _ => response("416 Range Not Satisfiable", 0, &[]),
    }
}

fn something_else(_: &str) -> Vec<u8> {
    response("200 OK", 5, b"hello")
}

fn not_found(_: &str) -> Vec<u8> {
    response("404 Not Found", 0, &[])
}

fn unavailable(_: &str) -> Vec<u8> {
    response("503 Service Unavailable", 0, &[])
}

/// Where a file is to go, and its part.
fn paths(folder: &TempDir) -> [PathBuf; 2] {
    ["file.gz", "file.gz.part"].map(|name| folder.path().join(name))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The sentence, without the server's address.
fn complaint(server: &Server, remote: &Remote, path: &Path) -> String {
    fetch(remote, path).unwrap_err().to_string().replace(&server.address, "[server]")
}

#[test]
fn a_file_comes_once() {
    let (folder, server) = (folder(), Server::start(&[whole]));
    let ([path, part], remote) = (paths(&folder), server.remote(&content()));
    fetch(&remote, &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert!(!part.exists());
    assert!(server.requests()[0].starts_with("get /file.gz http/1.1\n"));
    fetch(&remote, &path).unwrap(); // nobody listens any more
}

#[test]
fn a_file_that_is_cut_off_goes_on_from_there() {
    let (folder, server) = (folder(), Server::start(&[first_half, rest]));
    let ([path, part], remote) = (paths(&folder), server.remote(&content()));
    insta::assert_snapshot!(
        complaint(&server, &remote, &path),
        @"[server]/file.gz: the connection broke off after 150000 of 300000 bytes (Peer disconnected); run the same command again, and it goes on from there"
    );
    assert!(!path.exists() && fs::read(&part).unwrap() == content()[..HALF]);
    fetch(&remote, &path).unwrap();
    assert!(!part.exists() && fs::read(&path).unwrap() == content());
    let requests = server.requests();
    assert!(!requests[0].contains("range:") && requests[1].contains("range: bytes=150000-\n"), "{requests:?}");
}

#[test]
fn a_server_that_sends_no_rests_sends_all_again() {
    let (folder, server) = (folder(), Server::start(&[whole]));
    let [path, part] = paths(&folder);
    fs::write(part, &content()[..HALF]).unwrap();
    fetch(&server.remote(&content()), &path).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
}

#[test]
fn a_part_that_lacks_nothing_gets_its_name() {
    let (folder, server) = (folder(), Server::start(&[rest]));
    let [path, part] = paths(&folder);
    fs::write(part, content()).unwrap();
    fetch(&server.remote(&content()), &path).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
}

#[test]
fn other_bytes_are_removed_and_what_was_there_stays() {
    let (folder, server) = (folder(), Server::start(&[something_else, whole]));
    let ([path, part], remote) = (paths(&folder), server.remote(&content()));
    fs::write(&path, "old").unwrap();
    insta::assert_snapshot!(
        complaint(&server, &remote, &path),
        @"[server]/file.gz: what came has the MD5 sum 5d41402abc4b2a76b9719d911017c592, not 7e90e7fdf2945b6cb91689a0203a3876, and is removed; run the same command again, or name another --mirror"
    );
    assert!(!part.exists() && fs::read(&path).unwrap() == b"old");
    fetch(&remote, &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
}

fn too_much(_: &str) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), content(), vec![0; 1 << 20]].concat()
}

#[test]
fn a_server_that_sends_too_much_is_listened_to_no_longer() {
    let (folder, server) = (folder(), Server::start(&[too_much, whole]));
    let ([path, part], remote) = (paths(&folder), server.remote(&content()));
    insta::assert_snapshot!(
        complaint(&server, &remote, &path),
        @"[server]/file.gz: the server sends more than the 300000 bytes that the file has, which are removed; name another --mirror"
    );
    assert!(!part.exists() && !path.exists());
    fetch(&remote, &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
}

#[cfg(unix)]
#[test]
fn what_a_link_in_the_place_of_a_part_leads_to_stays_as_it_is() {
    let (folder, server) = (folder(), Server::start(&[whole]));
    let ([path, part], mine) = (paths(&folder), folder.path().join("mine"));
    fs::write(&mine, "mine").unwrap();
    std::os::unix::fs::symlink(&mine, part).unwrap();
    fetch(&server.remote(&content()), &path).unwrap();
    assert_eq!((fs::read(&path).unwrap(), fs::read(&mine).unwrap()), (content(), b"mine".to_vec()));
}

#[test]
fn a_server_without_the_file_is_told() {
    let (folder, server) = (folder(), Server::start(&[not_found, unavailable]));
    let ([path, _], remote) = (paths(&folder), server.remote(&content()));
    insta::assert_snapshot!(
        complaint(&server, &remote, &path),
        @"[server]/file.gz: the server has no such file (404); name another --mirror"
    );
    insta::assert_snapshot!(
        complaint(&server, &remote, &path),
        @"[server]/file.gz: the server answers 503 Service Unavailable; try again later, or name another --mirror"
    );
    assert!(!path.exists());
}

/// Where files may have 100 blocks, which is less than is sent.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_told() {
    let (folder, server) = (folder(), Server::start(&[whole]));
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"trap "" XFSZ; ulimit -f 100; exec "$0" data download mnist --mirror "$1" --to "$2""#]);
    limited.args([env!("CARGO_BIN_EXE_wgan"), &server.address]).arg(folder.path());
    let part = folder.path().join("train-images-idx3-ubyte.gz.part");
    let expected = format!("error: cannot write {}: File too large (os error 27)", part.display());
    assert_eq!(workplace::complaint(limited, 1), expected);
}

/// The program's complaint, the address left out.
fn told(address: &str, to: &str, code: i32) -> String {
    let args = format!("data download fashion-mnist --mirror {address} --to {to}");
    Workplace::new().complaint(&args, code).replace(address, "[server]")
}

#[test]
fn the_command_tells_what_is_wrong() {
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    insta::assert_snapshot!(
        told(&nobody, "new/folder", 1),
        @"error: [server]/train-images-idx3-ubyte.gz: the server cannot be reached (Connection refused (os error 111)); check the network, then run the same command again"
    );
    let server = Server::start(&[something_else]);
    insta::assert_snapshot!(
        told(&server.address, ".", 1),
        @"error: [server]/train-images-idx3-ubyte.gz: what came has the MD5 sum 5d41402abc4b2a76b9719d911017c592, not 8d4fb7e6c68d591d4c3dfef9ec88bf0d, and is removed; run the same command again, or name another --mirror"
    );
    insta::assert_snapshot!(
        told("/my/folder", ".", 2),
        @"error: mirror = [server] is not possible: an address starts with http:// or https://"
    );
    #[cfg(not(feature = "https"))]
    insta::assert_snapshot!(
        told("https://localhost", ".", 2),
        @"error: mirror = [server] is not possible: this wgan is built without https: name an address with http, or build with --features https"
    );
    insta::assert_snapshot!(
        told("http://localhost", "/dev/null/folder", 1),
        @"error: cannot write /dev/null/folder: Not a directory (os error 20)"
    );
}
