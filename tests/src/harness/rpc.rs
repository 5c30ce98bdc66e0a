//! The engine's interface as JSON lines.

use serde_json::Value;

use super::person::Person;
use super::process::Running;

/// An open `handschlag rpc`, which owns the home when it is the first there.
#[derive(Debug)]
pub struct Rpc {
    running: Running,
    calls: u64,
}

impl Rpc {
    /// Opens one, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn open(who: &Person) -> Self {
        let mut rpc = Self {
            running: who.start(&["rpc"]),
            calls: 0,
        };
        rpc.query(serde_json::json!({"query": "status"}));
        rpc
    }

    /// Sends a request without waiting, and gives the number that its answer will carry.
    ///
    /// # Panics
    /// When the process takes none.
    pub fn send(&mut self, mut request: Value) -> u64 {
        self.calls += 1;
        request["id"] = self.calls.into();
        self.running.write_line(&request.to_string());
        self.calls
    }

    /// Gives the next answer or event; none when the process has ended.
    ///
    /// # Panics
    /// When none comes in time, or it is no JSON.
    pub fn next_message(&mut self) -> Option<Value> {
        let line = self.running.next_line()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Sends a request and gives the message that answers it, passing over what comes before.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn call(&mut self, request: Value) -> Value {
        let id = self.send(request);
        loop {
            let message = self.next_message().expect("the call is answered");
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Sends a request that must be answered, and gives what is in the answer.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn ok(&mut self, request: Value) -> Value {
        let message = self.call(request);
        assert!(message["error"].is_null(), "{message}");
        message["ok"]["content"].clone()
    }

    /// Asks a query, and gives the answer.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn query(&mut self, mut query: Value) -> Value {
        query["request"] = "query".into();
        self.ok(query)
    }

    /// Gives the process.
    pub fn process(&self) -> &Running {
        &self.running
    }

    /// Ends its input and waits until it has ended.
    ///
    /// # Panics
    /// When it does not end, or not with 0.
    pub fn finish(self) {
        let status = self.running.finish();
        assert!(status.success(), "rpc ends with 0, not {status}");
    }

    /// Kills it (SIGKILL).
    pub fn kill(self) {
        self.running.kill();
    }
}
