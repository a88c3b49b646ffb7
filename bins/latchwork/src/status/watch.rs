//! `latchwork status --watch`: the view anew each second, until somebody leaves.

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::observation::Observation;
use super::observer::Observer;
use super::screen::draw;
use super::view::View;

/// How often NATS is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Rates are means over so many looks: replicas tell their counts every 0.75 s, and a shorter time
/// would show that rhythm.
const LOOKS: usize = 4;

/// How soon the thread of keys notices that nobody waits for them any more.
const POLL: Duration = Duration::from_millis(100);

/// What NATS told, or why it told nothing.
type Told = Result<Observation, String>;

/// Shows it until somebody leaves. The terminal is as it was afterwards, on every way out: also
/// after a panic, for which ratatui has a hook.
pub(super) async fn run(observer: Observer) -> anyhow::Result<()> {
    let terminal = ratatui::try_init()?;
    let shown = show(terminal, observer).await;
    ratatui::restore();
    shown
}

async fn show(mut terminal: DefaultTerminal, observer: Observer) -> anyhow::Result<()> {
    let mut keys = read_keys()?;
    let mut told = observe(observer);
    let stop = stage::stop_signal();
    let mut history = History::default();
    loop {
        terminal.draw(|frame| draw(frame, history.view.as_ref(), history.trouble.as_deref()))?;
        tokio::select! {
            Some(told) = told.recv() => history.take(told),
            event = keys.recv() => match event {
                Some(Event::Key(key)) if leaves(key) => return Ok(()),
                Some(_) => {}
                None => anyhow::bail!("the terminal can't be read any more"),
            },
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Asks NATS each second, in a task of its own: keys count also while it does not answer.
fn observe(mut observer: Observer) -> mpsc::Receiver<Told> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let told = observer.observe().await;
            let told = told.map_err(|error| format!("NATS does not answer: {error:#}"));
            if sender.send(told).await.is_err() {
                break;
            }
        }
    });
    receiver
}

/// Keys come by a thread, because reading them blocks.
fn read_keys() -> std::io::Result<mpsc::Receiver<Event>> {
    let (sender, receiver) = mpsc::channel(16);
    let read = move || {
        while !sender.is_closed() {
            let read = match event::poll(POLL) {
                Ok(true) => event::read(),
                Ok(false) => continue,
                Err(_) => return,
            };
            let sent = read.map(|event| sender.blocking_send(event));
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("keys".to_owned())
        .spawn(read)?;
    Ok(receiver)
}

fn leaves(key: KeyEvent) -> bool {
    let is_ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_pressed = key.kind == KeyEventKind::Press;
    is_pressed && (is_ctrl_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

/// The last looks, and what is made of them.
#[derive(Default)]
struct History {
    looks: VecDeque<Observation>,
    view: Option<View>,
    /// Why the view is not of now.
    trouble: Option<String>,
}

impl History {
    fn take(&mut self, told: Told) {
        match told {
            Ok(now) => {
                self.view = Some(View::new(&now, self.looks.front()));
                self.trouble = None;
                if self.looks.len() >= LOOKS {
                    self.looks.pop_front();
                }
                self.looks.push_back(now);
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
    }
}
