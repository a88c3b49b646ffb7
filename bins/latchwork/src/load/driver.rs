//! One thread of the load: one poll loop for all its clients.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::books::{Books, Harvest};
use super::client::Client;
use super::control::Control;
use super::schedule::Schedule;
use super::settings::LoadSettings;

/// Events of one round at most.
const EVENTS: usize = 1024;

/// The poll rounds a wait up to whole milliseconds, so this is what a message may be late when
/// nothing else wakes the loop.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// Connections that are being opened at the same time: servers limit handshakes.
const OPENING: usize = 64;

/// Bytes of one read.
const READ: usize = 64 * 1024;

pub(super) struct Driver {
    settings: Arc<LoadSettings>,
    address: SocketAddr,
    schedule: Schedule,
    control: Arc<Control>,
    /// Which of the threads.
    thread: usize,
    poll: Poll,
    /// Clients `thread`, `thread + threads`, and so on.
    clients: Vec<Client>,
    /// Clients with messages that became due in this round.
    owing: Vec<usize>,
    /// Messages of the whole load before this one are handed out.
    next_number: u64,
    /// Messages that this thread's clients send in the whole load.
    messages: u64,
    scratch: Vec<u8>,
    buffer: Vec<u8>,
    books: Books,
}

impl Driver {
    pub(super) fn new(
        settings: Arc<LoadSettings>,
        address: SocketAddr,
        schedule: Schedule,
        control: Arc<Control>,
        thread: usize,
        run: u64,
    ) -> io::Result<Self> {
        let indices = (thread..settings.clients).step_by(settings.threads);
        let clients: Vec<_> = indices
            .map(|index| Client::new(&settings, run, index))
            .collect();
        let messages = clients
            .iter()
            .map(|client| schedule.messages_of(client.index()))
            .sum();
        let books = Books::new(&settings, schedule);
        Ok(Self {
            settings,
            address,
            schedule,
            control,
            thread,
            poll: Poll::new()?,
            clients,
            owing: Vec::new(),
            next_number: 0,
            messages,
            scratch: Vec::new(),
            buffer: vec![0; READ],
            books,
        })
    }

    /// Connects, sends by the schedule, and ends when everything is acknowledged or it is told to.
    pub(super) fn run(mut self) -> io::Result<Harvest> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.is_done() {
            self.open_some();
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.on_event(event.token(), event.is_readable(), event.is_writable());
            }
            self.send_due();
            self.control.store(self.thread, self.books.totals);
        }
        self.clients.iter_mut().for_each(Client::leave);
        let outcomes = self.clients.into_iter().map(Client::into_outcome);
        Ok(self.books.into_harvest(outcomes.collect()))
    }

    fn is_done(&self) -> bool {
        let is_acknowledged = self.books.totals.acknowledged == self.messages;
        (is_acknowledged && self.clients.iter().all(Client::is_settled))
            || self.control.is_stopped()
    }

    /// Until the next message is due.
    fn patience(&self) -> Duration {
        let Some(start) = self.books.start else {
            return LONGEST_WAIT;
        };
        let due = Duration::from_nanos(self.schedule.due_of_number(self.next_number));
        (start + due)
            .saturating_duration_since(Instant::now())
            .clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }

    /// Opens connections, some at a time.
    fn open_some(&mut self) {
        if self.books.totals.connected == self.clients.len() as u64 {
            return;
        }
        let now = Instant::now();
        for number in 0..self.clients.len() {
            if self
                .clients
                .get(number)
                .is_some_and(|client| client.is_stuck(now))
            {
                self.fail(
                    number,
                    &format!("{} does not answer CONNECT", self.settings.mqtt),
                );
            }
        }
        let opening = self
            .clients
            .iter()
            .filter(|c| !c.is_up() && !c.is_down())
            .count();
        let mut room = OPENING.saturating_sub(opening);
        for number in 0..self.clients.len() {
            let Some(client) = self
                .clients
                .get_mut(number)
                .filter(|c| c.wants_to_connect(now))
            else {
                continue;
            };
            if room == 0 {
                return;
            }
            room -= 1;
            if let Err(failure) = client.connect(self.address, self.poll.registry(), Token(number))
            {
                self.fail(number, &failure);
            }
        }
    }

    fn on_event(&mut self, token: Token, readable: bool, writable: bool) {
        let Token(number) = token;
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let was_up = client.is_up();
        let mut result = Ok(());
        if writable {
            result = client.on_writable(&self.settings);
        }
        if readable && result.is_ok() {
            let (books, index) = (&mut self.books, client.index());
            let now = books.elapsed();
            let book = |sequence, refused| books.acknowledged(index, sequence, refused, now);
            result = client.on_readable(&self.settings, &mut self.buffer, book);
        }
        if client.is_up() && !was_up {
            self.books.totals.connected += 1;
        }
        match result {
            Ok(()) => self.send(number),
            Err(failure) => self.lost(number, was_up, &failure),
        }
    }

    /// Hands out what has become due, and sends it. A client's messages go in one write.
    fn send_due(&mut self) {
        if self.books.start.is_none() {
            self.books.start = self.control.start.get().copied();
        }
        let Some(elapsed) = self.books.elapsed() else {
            return;
        };
        let due = self.schedule.due_by(elapsed);
        let threads = self.settings.threads as u64;
        for number in self.next_number..due {
            let client = self.schedule.client(number);
            if client % threads == self.thread as u64 {
                let place = usize::try_from(client / threads).unwrap_or(usize::MAX);
                if let Some(client) = self.clients.get_mut(place) {
                    client.owe_one();
                    self.owing.push(place);
                }
            }
        }
        self.next_number = self.next_number.max(due);
        let mut owing = std::mem::take(&mut self.owing);
        for number in owing.drain(..) {
            self.send(number);
        }
        self.owing = owing;
    }

    fn send(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let (books, index, was_up) = (&mut self.books, client.index(), client.is_up());
        if let Err(failure) = client.send(&mut self.scratch, |sequence| books.sent(index, sequence))
        {
            self.lost(number, was_up, &failure);
        }
    }

    /// A connection is gone.
    fn lost(&mut self, number: usize, was_up: bool, failure: &str) {
        if was_up {
            self.books.totals.connected -= 1;
            self.books.totals.broken += 1;
        }
        self.fail(number, failure);
    }

    fn fail(&mut self, number: usize, failure: &str) {
        self.control.note_failure(failure.to_owned());
        if let Some(client) = self.clients.get_mut(number) {
            client.disconnect();
        }
    }
}
