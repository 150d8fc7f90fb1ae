//! Real TLS between those who were issued here, in memory; `rustls` and `rustls-webpki` are the judges.

use crate::world::{Member, NOW, World, chain, days, device, hub_names, node};
use aisle_event::Timestamp;
use aisle_provisioning::{
    Chain, Identity, Kind, Serial, Store,
    device::{Entry, RevocationBoard, RevocationList, What},
    moment::to_unix,
    time::Floor,
    verify::{FirstContact, HubVerifier, PeerVerifier},
};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Connection, Error, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
    client::danger::ServerCertVerifier,
    crypto::{CryptoProvider, ring},
    server::danger::ClientCertVerifier,
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{ServerName, UnixTime};
use std::sync::Arc;

static MODERN: &[&SupportedProtocolVersion] = &[&TLS13];
static OLD: &[&SupportedProtocolVersion] = &[&TLS12];

#[derive(Debug)]
struct Clock(Timestamp);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(to_unix(self.0))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub struct End<'a> {
    member: Option<&'a Member>,
    clock: Timestamp,
    versions: &'static [&'static SupportedProtocolVersion],
}

impl<'a> End<'a> {
    pub fn of(member: &'a Member, clock: Timestamp) -> Self {
        Self { member: Some(member), clock, versions: MODERN }
    }
}

/// A handshake: what each end makes of the other.
pub fn meet(
    caller: &End<'_>,
    believes: Arc<dyn ServerCertVerifier>,
    called: &End<'_>,
    takes: Arc<dyn ClientCertVerifier>,
) -> Result<(), Error> {
    let client = ClientConfig::builder_with_details(provider(), Arc::new(Clock(caller.clock)))
        .with_protocol_versions(caller.versions)?
        .dangerous()
        .with_custom_certificate_verifier(believes);
    let client = match caller.member {
        Some(member) => client.with_client_auth_cert(member.issued.chain.clone(), member.key.to_der())?,
        None => client.with_no_client_auth(),
    };
    let member = called.member.expect("who is called has a certificate");
    let server = ServerConfig::builder_with_details(provider(), Arc::new(Clock(called.clock)))
        .with_protocol_versions(called.versions)?
        .with_client_cert_verifier(takes)
        .with_single_cert(member.issued.chain.clone(), member.key.to_der())?;
    let name = ServerName::try_from("hub.shops.example").unwrap();
    let mut client = Connection::from(ClientConnection::new(Arc::new(client), name)?);
    let mut server = Connection::from(ServerConnection::new(Arc::new(server))?);
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() || server.wants_write() {
        carry(&mut client, &mut server)?;
        carry(&mut server, &mut client)?;
    }
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    Ok(())
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        to.read_tls(&mut wire).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

struct Ends {
    world: World,
    board: RevocationBoard,
    floor: Floor,
}

impl Ends {
    fn new(seed: u64) -> Self {
        Self { world: World::new(seed), board: RevocationBoard::default(), floor: Floor::new(NOW) }
    }

    fn believes(&self) -> Arc<dyn ServerCertVerifier> {
        let board = Arc::new(self.board.clone());
        Arc::new(HubVerifier::new(&self.world.roots(), chain(), self.floor.clone(), board).unwrap())
    }

    fn peers(&self, kinds: &[Kind]) -> PeerVerifier {
        PeerVerifier::new(&self.world.roots(), chain(), kinds.to_vec(), Arc::new(self.board.clone()))
    }

    fn takes(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::new(self.peers(&[Kind::Node, Kind::Relay]))
    }

    fn revoke(&self, what: What) {
        let entry = Entry { what, since: NOW, until: None };
        assert!(self.board.set(self.board.get().with([entry], &[], NOW).unwrap()));
    }
}

#[test]
fn a_node_and_its_hub_meet_over_tls_1_3() {
    let mut ends = Ends::new(1);
    let (hub, node) = (ends.world.hub(NOW), ends.world.node(NOW));
    meet(&End::of(&node, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap();
}

#[test]
fn older_tls_is_refused_by_both() {
    let mut ends = Ends::new(2);
    let (hub, node) = (ends.world.hub(NOW), ends.world.node(NOW));
    let old = End { versions: OLD, ..End::of(&node, NOW) };
    let refusal = meet(&old, ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap_err();
    assert!(matches!(refusal, Error::PeerIncompatible(_)), "{refusal}");
    let old = End { versions: OLD, ..End::of(&hub, NOW) };
    let refusal = meet(&End::of(&node, NOW), ends.believes(), &old, ends.takes()).unwrap_err();
    assert!(matches!(refusal, Error::PeerIncompatible(_)), "{refusal}");
}

#[test]
fn a_stolen_certificate_is_refused_after_the_ban() {
    let mut ends = Ends::new(3);
    let (hub, thief) = (ends.world.hub(NOW), ends.world.node(NOW));
    let tries = |ends: &Ends| meet(&End::of(&thief, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes());
    tries(&ends).unwrap();
    ends.revoke(What::Identity(node()));
    assert_eq!(tries(&ends).unwrap_err(), Error::InvalidCertificate(CertificateError::Revoked));
}

#[test]
fn a_certificate_that_was_replaced_is_refused_and_so_is_everything_of_an_authority_that_fell() {
    let mut ends = Ends::new(4);
    let hub = ends.world.hub(NOW);
    let (old, new) = (ends.world.node(NOW), ends.world.node(NOW));
    let tries = |ends: &Ends, who: &Member| {
        meet(&End::of(who, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes())
    };
    ends.revoke(What::Certificate(old.issued.facts.number.clone()));
    assert_eq!(tries(&ends, &old).unwrap_err(), Error::InvalidCertificate(CertificateError::Revoked));
    tries(&ends, &new).unwrap();
    ends.revoke(What::Issuer(ends.world.issuing.facts().key));
    assert!(tries(&ends, &new).is_err());
}

#[test]
fn nobody_stands_for_somebody_of_another_kind_chain_or_root() {
    let mut ends = Ends::new(5);
    let (hub, node) = (ends.world.hub(NOW), ends.world.node(NOW));
    let fridge = ends.world.member(&device(), &[], NOW);
    let refusal =
        meet(&End::of(&fridge, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap_err();
    assert!(refusal.to_string().contains("kind: Device"), "{refusal}");
    // A node with the hub's names, as one that was stolen might have them.
    let false_hub = ends.world.member(&crate::world::node(), &hub_names(), NOW);
    let refusal =
        meet(&End::of(&node, NOW), ends.believes(), &End::of(&false_hub, NOW), ends.takes()).unwrap_err();
    assert!(refusal.to_string().contains("kind: Node"), "{refusal}");
    let abroad = Identity::node(
        Chain::new("other.example").unwrap(),
        Store::new("a").unwrap(),
        Serial::new("1").unwrap(),
    );
    let abroad = ends.world.member(&abroad, &[], NOW);
    let refusal =
        meet(&End::of(&abroad, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap_err();
    assert!(refusal.to_string().contains("other.example"), "{refusal}");
    let stranger = World::new(6).node(NOW);
    let refusal =
        meet(&End::of(&stranger, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap_err();
    assert_eq!(refusal, Error::InvalidCertificate(CertificateError::UnknownIssuer));
    let nameless = End { member: None, clock: NOW, versions: MODERN };
    assert!(meet(&nameless, ends.believes(), &End::of(&hub, NOW), ends.takes()).is_err());
    let optional = Arc::new(ends.peers(&[Kind::Node]).optional());
    meet(&nameless, ends.believes(), &End::of(&hub, NOW), optional).unwrap();
}

#[test]
fn a_node_cannot_issue_a_certificate_below_its_own() {
    use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
    let mut ends = Ends::new(7);
    let (hub, evil) = (ends.world.hub(NOW), ends.world.node(NOW));
    let pair = KeyPair::try_from(evil.key.to_der().secret_der()).unwrap();
    let issuer = Issuer::from_ca_cert_der(&evil.issued.chain[0], pair).unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names.push(SanType::URI("spiffe://shops.example/store/x/node/1".try_into().unwrap()));
    let mut child = ends.world.node(NOW);
    let key = KeyPair::try_from(child.key.to_der().secret_der()).unwrap();
    let mut forged = vec![params.signed_by(&key, &issuer).unwrap().der().clone()];
    forged.extend(evil.issued.chain.iter().cloned());
    child.issued.chain = forged;
    assert!(meet(&End::of(&child, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes()).is_err());
}

#[test]
fn a_box_whose_clock_says_1970_or_2099_meets_its_hub_all_the_same() {
    let mut ends = Ends::new(8);
    let (hub, node) = (ends.world.hub(NOW), ends.world.node(NOW));
    for lie in [Timestamp(0), Timestamp(4_070_908_800_000), Timestamp(i64::MAX / 2)] {
        meet(&End::of(&node, lie), ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap();
    }
}

#[test]
fn a_node_that_was_offline_for_a_year_believes_a_hub_that_is_newer_than_all_it_knows() {
    let mut ends = Ends::new(9);
    let hub = ends.world.hub(days(365));
    let node = ends.world.node(NOW);
    assert_eq!(ends.floor.get(), NOW);
    let recovering = Arc::new(ends.peers(&[Kind::Node]).recovering());
    meet(&End::of(&node, Timestamp(0)), ends.believes(), &End::of(&hub, days(365)), recovering).unwrap();
    assert_eq!(ends.floor.get(), days(363), "the hub's certificate began then, so that time has been");
}

#[test]
fn a_hub_whose_certificate_has_ended_for_sure_is_refused() {
    let mut ends = Ends::new(10);
    let (hub, node) = (ends.world.hub(NOW), ends.world.node(NOW));
    ends.floor.raise(days(91));
    let refusal = meet(&End::of(&node, NOW), ends.believes(), &End::of(&hub, NOW), ends.takes()).unwrap_err();
    assert!(
        matches!(refusal, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })),
        "{refusal}"
    );
}

#[test]
fn a_certificate_that_ran_out_offline_is_good_for_its_own_renewal_and_nothing_else() {
    let mut ends = Ends::new(11);
    let node = ends.world.node(NOW);
    for late in [days(91), days(400), days(4_000)] {
        // The issuing authority may have run out by then as well; another one issues the hub's.
        let mut later = World::new(12);
        let hub = if late < ends.world.issuing.facts().validity.not_after {
            ends.world.hub(late)
        } else {
            later.hub(NOW)
        };
        let anybody: Arc<dyn ServerCertVerifier> = Arc::new(FirstContact);
        let refusal = meet(&End::of(&node, late), Arc::clone(&anybody), &End::of(&hub, late), ends.takes())
            .unwrap_err();
        assert!(
            matches!(refusal, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })),
            "{refusal}"
        );
        let recovering = || Arc::new(ends.peers(&[Kind::Node]).recovering());
        meet(&End::of(&node, late), anybody, &End::of(&hub, late), recovering()).unwrap();
    }
    ends.revoke(What::Identity(crate::world::node()));
    let hub = ends.world.hub(days(91));
    let recovering = Arc::new(ends.peers(&[Kind::Node]).recovering());
    let refusal =
        meet(&End::of(&node, NOW), Arc::new(FirstContact), &End::of(&hub, days(91)), recovering).unwrap_err();
    assert_eq!(
        refusal,
        Error::InvalidCertificate(CertificateError::Revoked),
        "but not for one that was banned"
    );
}

#[test]
fn after_a_rotation_old_and_new_certificates_meet_each_other() {
    let mut ends = Ends::new(13);
    let (old_node, old_hub) = (ends.world.node(NOW), ends.world.hub(NOW));
    let charter = crate::world::charter();
    ends.world.issuing = ends.world.root.certify(&charter, NOW, &mut ends.world.entropy).unwrap();
    let (new_node, new_hub) = (ends.world.node(NOW), ends.world.hub(NOW));
    for node in [&old_node, &new_node] {
        for hub in [&old_hub, &new_hub] {
            meet(&End::of(node, NOW), ends.believes(), &End::of(hub, NOW), ends.takes()).unwrap();
        }
    }
}

#[test]
fn a_node_takes_its_devices_by_the_floor_and_not_by_its_clock() {
    let mut ends = Ends::new(14);
    let names = vec![ServerName::try_from("hub.shops.example").unwrap()];
    let node = ends.world.member(&node(), &names, NOW);
    let fridge = ends.world.member(&device(), &[], days(100));
    let takes = || Arc::new(ends.peers(&[Kind::Device]).by_floor(ends.floor.clone()));
    let device_side: Arc<dyn ServerCertVerifier> = Arc::new(FirstContact);
    let meets =
        |clock| meet(&End::of(&fridge, NOW), Arc::clone(&device_side), &End::of(&node, clock), takes());
    meets(Timestamp(0)).unwrap();
    meets(Timestamp(4_070_908_800_000)).unwrap();
    ends.floor.raise(days(1_000));
    assert!(meets(Timestamp(0)).is_err(), "it has ended for sure");
}

#[test]
fn what_was_issued_beyond_the_limits_is_refused_by_tls_itself() {
    use crate::{
        disk::CutDisk,
        world::{CHEAP, Seeded, charter, passphrase},
    };
    use aisle_provisioning::{
        PrivateKey,
        authority::{AuthorityFolder, Ceremony, Secrets},
        disk::Disk as _,
    };
    use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
    use std::path::Path;
    let disk = Arc::new(CutDisk::default());
    let folder = AuthorityFolder::new(Arc::<CutDisk>::clone(&disk), Path::new("/hub"));
    let words = passphrase("four words of the hub");
    let secrets = Secrets { root: words.clone(), issuing: words.clone(), cost: CHEAP };
    let charter = charter();
    let ceremony = Ceremony { safe: Path::new("/usb"), charter: &charter, secrets: &secrets, now: NOW };
    folder.init(&ceremony, &mut Seeded(15)).unwrap();
    let unlocked = folder.unlock(&words, NOW).unwrap();
    // Somebody has the issuing key and goes around `issue`.
    let pem = String::from_utf8(disk.read(Path::new("/hub/issuing-1.key.pem")).unwrap()).unwrap();
    let stolen = PrivateKey::from_pem(&pem, Some(&words)).unwrap();
    let stolen = KeyPair::try_from(stolen.to_der().secret_der()).unwrap();
    let issuer = Issuer::from_ca_cert_der(unlocked.issuing.certificate(), stolen).unwrap();
    let forge = |name: &str| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![
            SanType::URI(crate::world::hub().to_string().try_into().unwrap()),
            SanType::DnsName(name.try_into().unwrap()),
        ];
        params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone()
    };
    let board = Arc::new(RevocationBoard::new(RevocationList::default()));
    let verifier = HubVerifier::new(&unlocked.roots, chain(), Floor::new(NOW), board).unwrap();
    let between = [unlocked.issuing.certificate().clone()];
    let judge = |site: &'static str| {
        let name = ServerName::try_from(site).unwrap();
        verifier.verify_server_cert(&forge(site), &between, &name, &[], to_unix(NOW)).map(drop)
    };
    judge("hub.shops.example").unwrap();
    let refusal = judge("bank.example").unwrap_err();
    assert!(refusal.to_string().contains("NameConstraintViolation"), "{refusal}");
}
