//! `sprintf`: the control sequences of Erlang's `io_lib:format`.

mod sequence;

use super::super::output::Output;
use super::super::{Arguments, Failure, term};
use super::characters;
use crate::value::Value;
use crate::value::number::{self, MAX_DECIMALS};

use sequence::Sequence;

/// Digits of a float without a precision.
const DIGITS: usize = 6;

/// `sprintf(format, ..)`: each value must have its place, and each place its value. `~p` writes texts
/// as `<<"..">>`, as EMQX does; the sequences for a depth (`~P`, `~W`) are not known.
pub(super) fn sprintf(a: &Arguments<'_>) -> Result<Value, Failure> {
    let format = a.unicode(1)?;
    let mut printer = Printer {
        a,
        out: Output::new(a, format.len().saturating_mul(2)),
        next: 2,
    };
    let mut rest: &str = &format;
    while let Some((before, tail)) = rest.split_once('~') {
        printer.out.push(before.as_bytes())?;
        let mut stars = || printer_star(a, &mut printer.next);
        let (sequence, tail) = Sequence::read(tail, &mut stars)?
            .ok_or_else(|| a.fail(format_args!("the format ends within a sequence")))?;
        printer.print(&sequence)?;
        rest = tail;
    }
    printer.out.push(rest.as_bytes())?;
    if printer.next <= a.count() {
        let extra = printer.next;
        return Err(a.fail(format_args!("the format has no place for argument {extra}")));
    }
    Ok(printer.out.finish())
}

/// `*` in a sequence: the number is an argument.
fn printer_star(a: &Arguments<'_>, next: &mut usize) -> Result<i128, Failure> {
    let number = *next;
    *next = number.saturating_add(1);
    a.int(number)
}

struct Printer<'a> {
    a: &'a Arguments<'a>,
    out: Output<'a>,
    /// The argument that is printed next.
    next: usize,
}

impl Printer<'_> {
    fn take(&mut self) -> Result<usize, Failure> {
        let number = self.next;
        if number > self.a.count() {
            return Err(self
                .a
                .fail(format_args!("the format wants an argument {number}")));
        }
        self.next = number.saturating_add(1);
        Ok(number)
    }

    fn print(&mut self, sequence: &Sequence) -> Result<(), Failure> {
        match sequence.control {
            '~' => self.out.push(b"~"),
            'n' => self.out.repeat(b"\n", sequence.width.unwrap_or(1)),
            'i' => self.take().map(drop),
            's' => self.string(sequence),
            'c' => self.character(sequence),
            'p' | 'w' => self.term(sequence),
            'b' | 'B' | '#' | '+' | 'x' | 'X' => self.integer(sequence),
            'e' | 'f' | 'g' => self.float(sequence),
            other => Err(self
                .a
                .fail(format_args!("the format has an unknown sequence ~{other}"))),
        }
    }

    /// Cut to the precision or width, then filled up.
    fn string(&mut self, sequence: &Sequence) -> Result<(), Failure> {
        let number = self.take()?;
        let text = match self.a.value(number) {
            Value::Undefined => "undefined".into(),
            Value::Null => "null".into(),
            _ => self.a.unicode(number)?,
        };
        let most = sequence.precision.or(sequence.width);
        let end = most.map_or(text.len(), |most| characters::offset(&text, most));
        let text = text.get(..end).unwrap_or_default();
        self.field(sequence, text, characters::length(text))
    }

    fn character(&mut self, sequence: &Sequence) -> Result<(), Failure> {
        let number = self.take()?;
        let code = u32::try_from(self.a.int(number)?).ok();
        let character = code
            .and_then(char::from_u32)
            .ok_or_else(|| self.a.not(number, "the number of a character"))?;
        let times = sequence.precision.or(sequence.width).unwrap_or(1);
        let mut text = Output::new(self.a, times);
        text.repeat(character.encode_utf8(&mut [0; 4]).as_bytes(), times)?;
        let text = text.into_bytes();
        self.field(sequence, &String::from_utf8_lossy(&text), times)
    }

    /// For `~p` a width is the length of lines, of which there is one here.
    fn term(&mut self, sequence: &Sequence) -> Result<(), Failure> {
        let number = self.take()?;
        let style = match (sequence.control, sequence.unicode) {
            ('w', _) => term::Style::Raw,
            (_, false) => term::Style::Ascii,
            (_, true) => term::Style::Unicode,
        };
        term::write(&mut self.out, self.a.value(number), style)
    }

    fn integer(&mut self, sequence: &Sequence) -> Result<(), Failure> {
        let number = self.take()?;
        let value = self.a.int(number)?;
        let base = sequence.precision.unwrap_or(10);
        let base = u32::try_from(base)
            .ok()
            .filter(|base| (2..=36).contains(base));
        let base = base.ok_or_else(|| self.a.fail(format_args!("a base is from 2 to 36")))?;
        let prefix = match sequence.control {
            '#' | '+' => format!("{base}#"),
            'x' | 'X' => {
                let number = self.take()?;
                self.a.unicode(number)?.to_string()
            }
            _ => String::new(),
        };
        let large = matches!(sequence.control, 'B' | '#' | 'X');
        let sign = if value < 0 { "-" } else { "" };
        let digits = digits(value.unsigned_abs(), base, large);
        self.figure(sequence, &format!("{sign}{prefix}{digits}"))
    }

    fn float(&mut self, sequence: &Sequence) -> Result<(), Failure> {
        let number = self.take()?;
        let value = self.a.number(number)?;
        let digits = sequence.precision.unwrap_or(DIGITS);
        if !(1..=MAX_DECIMALS).contains(&digits) {
            return Err(self
                .a
                .fail(format_args!("a precision is from 1 to {MAX_DECIMALS}")));
        }
        let text = match sequence.control {
            'f' => number::fixed(value, digits),
            'e' => exponential(value, digits),
            _ => general(value, digits),
        };
        self.figure(sequence, &text)
    }

    /// A number that is wider than its field becomes stars.
    fn figure(&mut self, sequence: &Sequence, text: &str) -> Result<(), Failure> {
        match sequence.width {
            Some(width) if text.len() > width => self.out.repeat(b"*", width),
            _ => self.field(sequence, text, characters::length(text)),
        }
    }

    fn field(&mut self, sequence: &Sequence, text: &str, length: usize) -> Result<(), Failure> {
        let missing = sequence.width.unwrap_or(0).saturating_sub(length);
        let mut buffer = [0; 4];
        let pad = sequence.pad.encode_utf8(&mut buffer).as_bytes();
        if sequence.left {
            self.out.push(text.as_bytes())?;
            self.out.repeat(pad, missing)
        } else {
            self.out.repeat(pad, missing)?;
            self.out.push(text.as_bytes())
        }
    }
}

fn digits(mut value: u128, base: u32, large: bool) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(value % u128::from(base)).unwrap_or_default();
        let digit = char::from_digit(digit, base).unwrap_or('0');
        digits.push(if large {
            digit.to_ascii_uppercase()
        } else {
            digit
        });
        value /= u128::from(base);
        if value == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// `1.23450e+2`: so many digits in all.
fn exponential(value: f64, digits: usize) -> String {
    let decimals = digits.saturating_sub(1);
    let text = format!("{value:.decimals$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            format!("{mantissa}e+{exponent}")
        }
        _ => text,
    }
}

/// So many digits in all: with a point from 0.1 up to 10,000 when they suffice, else exponential.
fn general(value: f64, digits: usize) -> String {
    let size = value.abs();
    let before = [1.0, 10.0, 100.0, 1_000.0, 10_000.0]
        .iter()
        .position(|limit| size < *limit);
    match before {
        Some(before) if size >= 0.1 && digits > before => {
            number::fixed(value, digits.saturating_sub(before))
        }
        _ => exponential(value, digits.max(2)),
    }
}
