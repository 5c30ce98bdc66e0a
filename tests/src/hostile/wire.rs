//! A client made by hand at a relay's socket, that says whatever a test wants.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use protocol::{Frame, Hello, Nonce, Prove, Push, Welcome, WorkspaceId};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};
use vault::{Roster, SessionTerms};

use super::keys::Hand;
use crate::harness::LIMIT;

/// A WebSocket to a relay.
#[derive(Debug)]
pub struct Wire {
    socket: WebSocket<TcpStream>,
}

impl Wire {
    /// Connects to a relay at host and port.
    ///
    /// # Panics
    ///
    /// The relay does not take the connection.
    #[must_use]
    pub fn open(address: &str) -> Self {
        Self::try_open(address).expect("the relay takes a connection")
    }

    /// Connects, or says why the relay does not want that.
    ///
    /// # Errors
    ///
    /// What the socket or the relay said.
    ///
    /// # Panics
    ///
    /// The socket cannot be given a time limit.
    pub fn try_open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(LIMIT)).expect("takes a limit");
        stream
            .set_write_timeout(Some(LIMIT))
            .expect("takes a limit");
        let opened = tungstenite::client(format!("ws://{address}/sync"), stream);
        let (socket, _) = opened.map_err(|error| error.to_string())?;
        Ok(Self { socket })
    }

    /// Gets in as a device, and brings the roster if the relay does not know the workspace.
    ///
    /// # Panics
    ///
    /// The relay does not let it in.
    #[must_use]
    pub fn enter(address: &str, hand: &Hand, roster: &Roster) -> (Self, Welcome) {
        let mut wire = Self::open(address);
        let (prove, _) = wire.prove(hand, roster);
        wire.say(prove);
        match wire.hear() {
            Some(Frame::Welcome(welcome)) => (wire, welcome),
            other => panic!("it is let in: {other:?}"),
        }
    }

    /// Says hello, and makes the proof that the relay's challenge asks for.
    ///
    /// # Panics
    ///
    /// The relay does not challenge.
    #[must_use]
    pub fn prove(&mut self, hand: &Hand, roster: &Roster) -> (Prove, Nonce) {
        self.prove_for(hand, roster, roster.workspace())
    }

    /// Does the same in the name of a workspace of which the roster need not be.
    ///
    /// # Panics
    ///
    /// The relay does not challenge.
    #[must_use]
    pub fn prove_for(
        &mut self,
        hand: &Hand,
        roster: &Roster,
        workspace: WorkspaceId,
    ) -> (Prove, Nonce) {
        let nonce = Nonce::from_bytes([9; 32]);
        self.say(Hello {
            versions: vec![1],
            workspace,
            key: hand.keys.signing.key(),
            nonce,
        });
        let Some(Frame::Challenge(challenge)) = self.hear() else {
            panic!("it is challenged");
        };
        let terms = SessionTerms {
            relay: challenge.relay,
            workspace,
            client_nonce: nonce,
            relay_nonce: challenge.nonce,
        };
        let prove = Prove {
            signature: terms.sign_proof(&hand.keys.signing),
            roster_head: roster.head(),
            cursor: None,
            entries: (!challenge.known).then(|| roster.entries().to_vec()),
            more: false,
        };
        (prove, nonce)
    }

    /// Says a frame; an end of the connection shows when the answer is read.
    pub fn say(&mut self, frame: impl Into<Frame>) {
        self.say_bytes(frame.into().encode());
    }

    /// Says the bytes of a message likewise.
    pub fn say_bytes(&mut self, bytes: Vec<u8>) {
        drop(self.socket.send(Message::Binary(bytes.into())));
    }

    /// Says a text, which is no frame.
    pub fn say_text(&mut self, text: &str) {
        drop(self.socket.send(Message::Text(text.into())));
    }

    /// Pushes envelopes.
    pub fn push(&mut self, envelopes: &[Vec<u8>]) {
        let envelopes = envelopes.iter().map(|one| one.as_slice().into()).collect();
        self.say(Push { envelopes });
    }

    /// Waits for the next frame; none when the relay has ended the connection.
    ///
    /// # Panics
    ///
    /// None comes in time, or the relay does not speak the protocol.
    pub fn hear(&mut self) -> Option<Frame> {
        loop {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => {
                    return Some(Frame::decode(&bytes).expect("the relay speaks the protocol"));
                }
                Ok(Message::Close(_)) => return None,
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    panic!("the relay says nothing any more");
                }
                Err(_) => return None,
            }
        }
    }

    /// Waits for a frame that is what is looked for.
    ///
    /// # Panics
    ///
    /// The connection ends before it comes.
    pub fn hear_where(&mut self, is_it: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.hear().expect("the connection goes on");
            if is_it(&frame) {
                return frame;
            }
        }
    }

    /// Reads to the end of the connection, and gives the refusal if there was one.
    pub fn refusal(&mut self) -> Option<protocol::Refusal> {
        let mut code = None;
        while let Some(frame) = self.hear() {
            if let Frame::Refused(refused) = frame {
                code = Some(refused.code);
            }
        }
        code
    }

    /// Goes on below the protocol: what is written is not framed, what is read goes nowhere.
    ///
    /// # Panics
    ///
    /// The socket cannot be shared.
    #[must_use]
    pub fn into_raw(self) -> TcpStream {
        let stream = self.socket.get_ref().try_clone().expect("is shared");
        let mut reading = stream.try_clone().expect("is shared");
        std::thread::spawn(move || {
            let _keeps = self;
            let mut nowhere = [0; 64 * 1024];
            while matches!(reading.read(&mut nowhere), Ok(1..)) {}
        });
        stream
    }
}

/// Puts the head of a client's WebSocket frame before a payload that is masked with zeros.
#[must_use]
pub fn raw_frame(opcode: u8, claimed_bytes: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match claimed_bytes {
        0..=125 => bytes.push(0x80 | claimed_bytes as u8),
        126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(claimed_bytes as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&claimed_bytes.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// Writes the same bytes again and again, many at once; returns how often, before the relay took no more.
pub fn flood(stream: &mut TcpStream, bytes: &[u8], times: usize) -> usize {
    const AT_ONCE: usize = 1_000;
    let many = bytes.repeat(AT_ONCE.min(times));
    let mut written = 0;
    while written < times {
        let next = AT_ONCE.min(times - written);
        if stream.write_all(&many[..next * bytes.len()]).is_err() {
            break;
        }
        written += next;
    }
    written
}
