//! Tests of the ports, over loopback, with a server that echoes.

mod admission;
mod doors;
mod ports;
mod publish_rate;
mod reload;
mod tls;
mod web_socket;

use std::fs;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use clap::Parser;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::accept::{House, accept_with};
use super::admission::Admission;
use super::{ListenerArgs, bind};
use crate::wire::{Wire, WireKind};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Parser)]
struct Options {
    #[command(flatten)]
    listeners: ListenerArgs,
}

fn args<'a>(options: impl IntoIterator<Item = &'a str>) -> ListenerArgs {
    let words = ["edge"].into_iter().chain(options);
    Options::try_parse_from(words).unwrap().listeners
}

/// Ports that echo.
struct Ports {
    addresses: Vec<(WireKind, SocketAddr)>,
    admission: Arc<Admission>,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Ports {
    /// Opens the ports of these options; `connect_deadline` for handshakes.
    async fn open(options: &[&str], connect_deadline: Duration) -> Self {
        let listeners = bind(&args(options.iter().copied())).await.unwrap();
        let addresses = listeners
            .addresses()
            .map(|(kind, address)| (kind, address.unwrap()))
            .collect();
        let (admission, stop) = (listeners.admission(), CancellationToken::new());
        let house = House {
            stop: stop.clone(),
            drain: PATIENCE,
            max_packet: 1024 * 1024,
            connect_deadline,
        };
        let meter = opentelemetry::global::meter("test");
        let accepting = tokio::spawn(async move {
            accept_with(listeners, &meter, &house, echo).await;
        });
        Self {
            addresses,
            admission,
            stop,
            accepting,
        }
    }

    fn address(&self, kind: WireKind) -> SocketAddr {
        let mut found = self.addresses.iter().filter(|(one, _)| *one == kind);
        found.next().unwrap().1
    }

    async fn tcp(&self, kind: WireKind) -> TcpStream {
        TcpStream::connect(self.address(kind)).await.unwrap()
    }
}

/// Reads once before it splits, as a connection reads CONNECT, and tells what TLS knows.
async fn echo(mut wire: Wire) {
    let mut input = BytesMut::new();
    let deadline = wire.deadline();
    let first = tokio::time::timeout_at(deadline, wire.read_buf(&mut input, 1024)).await;
    if !matches!(first, Ok(Ok(1..))) {
        return;
    }
    if input.starts_with(b"who?") {
        let certificate = wire.certificate().map_or(0, bytes::Bytes::len);
        let answer = format!("{} {certificate};", wire.kind().name());
        wire.write_all(answer.as_bytes()).await.unwrap();
        input.clear();
    }
    if input.starts_with(b"refuse") {
        wire.write_all(b"refused").await.unwrap();
        return wire.hang_up().await;
    }
    let (mut reader, writer) = wire.split();
    loop {
        while !input.is_empty() {
            let written = poll_fn(|context| writer.poll_write_out(context, &mut input)).await;
            if written.is_err() {
                return;
            }
        }
        match reader.read_buf(&mut input, 8192).await {
            Ok(1..) => {}
            _ => return,
        }
    }
}

/// Sends, and reads as much back.
async fn echoed(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = vec![0; bytes.len()];
    let read = timeout(PATIENCE, stream.read_exact(&mut answer)).await;
    read.unwrap().unwrap();
    answer
}

/// Whether the server closes without a word.
async fn is_closed(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut byte = [0];
    let read = timeout(PATIENCE, stream.read(&mut byte)).await.unwrap();
    read.is_err() || matches!(read, Ok(0))
}

/// A certificate authority, and the files that it writes.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        Self { issuer }
    }

    fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A client that trusts this authority; with a name, it shows a certificate of it.
    fn client(&self, client_certificate: Option<(&Authority, &str)>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client_certificate {
            Some((authority, name)) => {
                use rustls::pki_types::pem::PemObject;
                let (certificate, key) = authority.issue(name);
                let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![certificate], key)
            }
            None => Ok(builder.with_no_client_auth()),
        };
        TlsConnector::from(Arc::new(config.unwrap()))
    }
}

/// PEM files of a server.
struct Files {
    _directory: TempDir,
    certificate: PathBuf,
    key: PathBuf,
    client_ca: PathBuf,
}

impl Files {
    fn new(authority: &Authority) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name| directory.path().join(name);
        let this = Self {
            certificate: path("cert.pem"),
            key: path("key.pem"),
            client_ca: path("ca.pem"),
            _directory: directory,
        };
        this.write(authority);
        fs::write(&this.client_ca, authority.issuer.pem()).unwrap();
        this
    }

    fn write(&self, authority: &Authority) {
        let (certificate, key) = authority.issue("localhost");
        fs::write(&self.certificate, certificate).unwrap();
        fs::write(&self.key, key).unwrap();
    }

    fn options(&self) -> [&str; 4] {
        let [certificate, key] = [&self.certificate, &self.key].map(|path| path.to_str().unwrap());
        ["--tls-cert", certificate, "--tls-key", key]
    }
}

async fn tls(client: &TlsConnector, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    timeout(PATIENCE, client.connect(name, tcp)).await.unwrap()
}
