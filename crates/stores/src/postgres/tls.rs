//! Encryption, and whose certificates are believed.

use std::sync::Arc;

use cloakroom_core::session::StoreError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What must hold of the server's certificate. Files are named by their paths; without one, the roots are those of
/// the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust<'a> {
    /// Nothing: the connection is encrypted, with whomever. What libpq calls `require`.
    Anyone,
    /// One of these roots signed it.
    Chain(Option<&'a str>),
    /// One of these roots signed it, for the host that the URL names.
    Host(Option<&'a str>),
}

/// What encrypts connections. `own` are the files of our own certificate and its key.
pub(super) fn connector(
    trust: Trust<'_>,
    own: Option<(&str, &str)>,
) -> Result<MakeRustlsConnect, StoreError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::new("TLS cannot be used here").with_source(error))?;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Anyone => Arc::new(InsecureAnyone(provider)),
        Trust::Chain(file) => Arc::new(Roots::read(file, Hosts::InsecureAny, provider)?),
        Trust::Host(file) => Arc::new(Roots::read(file, Hosts::TheOneNamed, provider)?),
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_file_iter(certificate)
                .and_then(Iterator::collect)
                .map_err(|error| unreadable("sslcert", error))?;
            let key =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("sslkey", error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| unreadable("sslkey", error))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn unreadable(option: &str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(format!(
        "the file that {option} names in the database's URL cannot be used; it should be PEM that this user may read"
    ))
    .with_source(error)
}

/// Believes what one of these signed.
#[derive(Debug)]
struct Roots {
    verifier: Arc<WebPkiServerVerifier>,
    /// The certificates that the site itself has named.
    named: Vec<CertificateDer<'static>>,
    hosts: Hosts,
}

/// For which hosts a certificate is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hosts {
    /// The one that the URL names.
    TheOneNamed,
    /// Any.
    ///
    /// # Security
    /// Whoever has a certificate of the same authority can take the server's place. `verify-ca` asks for this.
    InsecureAny,
}

impl Roots {
    fn read(
        file: Option<&str>,
        hosts: Hosts,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, StoreError> {
        let mut roots = RootCertStore::empty();
        let named = match file {
            None => {
                // Systems keep odd certificates among good ones; those that cannot be read sign nothing.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                Vec::new()
            }
            Some(file) => {
                let named: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(file)
                    .and_then(Iterator::collect)
                    .map_err(|error| unreadable("sslrootcert", error))?;
                for certificate in &named {
                    roots
                        .add(certificate.clone())
                        .map_err(|error| unreadable("sslrootcert", error))?;
                }
                named
            }
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .map_err(|error| {
                StoreError::new(
                    "there is no root certificate to verify the database's server with; name a file of them in \
                     sslrootcert",
                )
                .with_source(error)
            })?;
        Ok(Self {
            verifier,
            named,
            hosts,
        })
    }
}

impl ServerCertVerifier for Roots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            // The name is looked at last, when all else holds.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.hosts == Hosts::InsecureAny => Ok(ServerCertVerified::assertion()),
            // A certificate that signs itself, made as PostgreSQL's manual says, is an authority's; rustls takes
            // none of these for a server's. The site has named this very one. (An expired one is another error.)
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.named.contains(end_entity) =>
            {
                if self.hosts == Hosts::TheOneNamed {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Believes every certificate.
///
/// # Security
/// Who only listens learns nothing; whoever can take the server's place is believed. `require` and `prefer` ask for
/// this, as in libpq: most servers sign their certificate themselves.
#[derive(Debug)]
struct InsecureAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for InsecureAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
