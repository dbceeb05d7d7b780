//! Huffman codes exactly as zlib and gzip make them: the same tree from the same counts, ties included.
//!
//! Many codes are equally short, and which one is sent is visible in the packed bytes. So the order in which nodes of
//! equal weight are joined, and what is done about codes that got too long, follow zlib's `trees.c` (zlib licence,
//! Jean-loup Gailly and Mark Adler), which shares both with gzip.

use super::codes::{LITERALS, LONGEST};

/// The symbols of the largest alphabet, and the nodes that join them.
const NODES: usize = 2 * LITERALS + 1;

/// The lengths of a code, and the codes themselves once [`Code::assign`] has been called.
#[derive(Clone)]
pub(crate) struct Code {
    /// In bits, by symbol; 0 where a symbol does not occur.
    pub(crate) lengths: [u8; LITERALS + 2],
    bits: [u16; LITERALS + 2],
    /// The last symbol that has a code.
    pub(crate) last: usize,
}

impl Code {
    /// The code with these lengths.
    pub(crate) fn of(symbols: usize, length: impl Fn(usize) -> u8) -> Self {
        let mut code = Self { lengths: [0; _], bits: [0; _], last: symbols - 1 };
        for (symbol, place) in code.lengths.iter_mut().take(symbols).enumerate() {
            *place = length(symbol);
        }
        code.assign();
        code
    }

    /// The code for symbols that occur as often as `counts` says, none longer than `longest` bits. At least two symbols
    /// get a code, whether they occur or not.
    pub(crate) fn shortest(counts: &[u16], longest: usize) -> Self {
        let mut tree = Tree::new(counts);
        tree.join(counts.len());
        let mut code = Self { lengths: [0; _], bits: [0; _], last: tree.last };
        tree.measure(longest, &mut code.lengths);
        code.assign();
        code
    }

    /// What a symbol is sent as: bits, lowest first, and how many.
    pub(crate) fn get(&self, symbol: usize) -> (u16, u8) {
        (self.bits[symbol], self.lengths[symbol])
    }

    /// RFC 1951, 3.2.2; each code reversed, as its highest bit is sent first.
    fn assign(&mut self) {
        let mut next = [0u16; LONGEST + 2];
        for &length in self.lengths.iter().filter(|&&length| length != 0) {
            next[usize::from(length) + 1] += 1;
        }
        for length in 1..=LONGEST {
            next[length] = (next[length] + next[length - 1]) << 1;
        }
        // What was summed up for the next length is where this length begins.
        for (bits, &length) in self.bits.iter_mut().zip(&self.lengths) {
            if length != 0 {
                let code = &mut next[usize::from(length)];
                *bits = code.reverse_bits() >> (16 - length);
                *code = code.wrapping_add(1);
            }
        }
    }
}

/// A heap of nodes that becomes a tree.
struct Tree {
    /// From 1: the nodes that are not joined yet, the rarest first.
    heap: [u16; NODES],
    /// The nodes in the order in which they were joined.
    joined: Vec<u16>,
    waiting: usize,
    weight: [u32; NODES],
    depth: [u8; NODES],
    parent: [u16; NODES],
    last: usize,
}

impl Tree {
    fn new(counts: &[u16]) -> Self {
        let mut tree = Self {
            heap: [0; _],
            joined: Vec::with_capacity(NODES),
            waiting: 0,
            weight: [0; _],
            depth: [0; _],
            parent: [0; _],
            last: 0,
        };
        for (symbol, &count) in counts.iter().enumerate().filter(|(_, count)| **count != 0) {
            tree.add(symbol, u32::from(count));
            tree.last = symbol;
        }
        let mut none = tree.waiting == 0;
        while tree.waiting < 2 {
            let symbol = match tree.last {
                _ if none => 0,
                0 | 1 => tree.last + 1,
                _ => 0,
            };
            none = false;
            tree.add(symbol, 1);
            tree.last = tree.last.max(symbol);
        }
        tree
    }

    fn add(&mut self, symbol: usize, weight: u32) {
        self.waiting += 1;
        self.heap[self.waiting] = symbol as u16;
        self.weight[symbol] = weight;
    }

    fn before(&self, a: u16, b: u16) -> bool {
        let key = |node: u16| (self.weight[usize::from(node)], self.depth[usize::from(node)]);
        key(a) <= key(b)
    }

    fn sink(&mut self, mut at: usize) {
        let node = self.heap[at];
        loop {
            let mut child = 2 * at;
            if child > self.waiting {
                break;
            }
            if child < self.waiting && self.before(self.heap[child + 1], self.heap[child]) {
                child += 1;
            }
            if self.before(node, self.heap[child]) {
                break;
            }
            self.heap[at] = self.heap[child];
            at = child;
        }
        self.heap[at] = node;
    }

    /// Joins the two rarest nodes until one is left.
    fn join(&mut self, symbols: usize) {
        for at in (1..=self.waiting / 2).rev() {
            self.sink(at);
        }
        let mut node = symbols;
        while self.waiting >= 2 {
            let first = self.heap[1];
            self.heap[1] = self.heap[self.waiting];
            self.waiting -= 1;
            self.sink(1);
            let second = self.heap[1];
            let (a, b) = (usize::from(first), usize::from(second));
            self.joined.extend([first, second]);
            self.weight[node] = self.weight[a] + self.weight[b];
            self.depth[node] = self.depth[a].max(self.depth[b]) + 1;
            self.parent[a] = node as u16;
            self.parent[b] = node as u16;
            self.heap[1] = node as u16;
            node += 1;
            self.sink(1);
        }
        self.joined.push(self.heap[1]);
    }

    /// The depth of each symbol; where that is more than `longest`, others are moved down to make room, the rarest
    /// first.
    fn measure(&self, longest: usize, lengths: &mut [u8]) {
        let mut depth = [0u8; NODES];
        let mut counts = [0usize; LONGEST + 1];
        let mut overflow = 0isize;
        let symbols = |node: &&u16| usize::from(**node) <= self.last;
        for &node in self.joined.iter().rev().skip(1) {
            let node = usize::from(node);
            let mut bits = usize::from(depth[usize::from(self.parent[node])]) + 1;
            if bits > longest {
                bits = longest;
                overflow += 1;
            }
            depth[node] = bits as u8;
            if node <= self.last {
                counts[bits] += 1;
                lengths[node] = bits as u8;
            }
        }
        if overflow == 0 {
            return;
        }
        while overflow > 0 {
            let mut bits = longest - 1;
            while counts[bits] == 0 {
                bits -= 1;
            }
            counts[bits] -= 1;
            counts[bits + 1] += 2;
            counts[longest] -= 1;
            overflow -= 2;
        }
        let mut rarest = self.joined.iter().filter(symbols);
        for bits in (1..=longest).rev() {
            for &symbol in rarest.by_ref().take(counts[bits]) {
                lengths[usize::from(symbol)] = bits as u8;
            }
        }
    }
}
