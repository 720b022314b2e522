//! Merkle trees as RFC 6962, 2.1 has them: a leaf is SHA-256(0x00 || data), a node SHA-256(0x01 || left || right), and
//! the left half is the largest power of two that is less than the whole. Pure.

use crate::audit::format::{sha256, Digest};

#[must_use]
pub fn leaf(data: &[u8]) -> Digest {
    let mut bytes = [0u8; 128];
    if data.len() < bytes.len() {
        bytes[1..=data.len()].copy_from_slice(data);
        return sha256(&[&bytes[..=data.len()]]);
    }
    sha256(&[&[0], data])
}

#[must_use]
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1u8; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    sha256(&[&bytes])
}

/// A tree that is given its leaves, or whole trees of one size each but for the last, one after the other, and
/// keeps a hash for each level.
#[derive(Default)]
pub struct Tree {
    /// The whole trees so far, the largest first; the bits of `count` are their sizes.
    whole: Vec<Digest>,
    count: u64,
}

impl Tree {
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        let mut merges = self.count.trailing_ones();
        while merges > 0 {
            if let Some(left) = self.whole.pop() {
                hash = node(&left, &hash);
            }
            merges -= 1;
        }
        self.whole.push(hash);
        self.count += 1;
    }

    #[must_use]
    pub fn root(&self) -> Digest {
        let mut trees = self.whole.iter().rev();
        let Some(last) = trees.next() else { return sha256(&[b""]) };
        trees.fold(*last, |right, left| node(left, &right))
    }
}

/// The root over leaves that are hashed already.
#[must_use]
pub fn root(leaves: impl IntoIterator<Item = Digest>) -> Digest {
    let mut tree = Tree::default();
    leaves.into_iter().for_each(|leaf| tree.push(leaf));
    tree.root()
}

/// What a leaf is hashed with, from the leaf to the root.
#[must_use]
pub fn path(leaves: &[Digest], index: usize) -> Vec<Digest> {
    let mut path = Vec::new();
    let (mut leaves, mut index) = (leaves, index);
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        if index < left.len() {
            path.push(root(right.iter().copied()));
            leaves = left;
        } else {
            path.push(root(left.iter().copied()));
            index -= left.len();
            leaves = right;
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    /// Of the reference implementation of Certificate Transparency, merkletree/merkle_tree_test.cc.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves(count: usize) -> Vec<Digest> {
        LEAVES[..count].iter().map(|l| leaf(&hex(l))).collect()
    }

    /// RFC 9162, 2.1.3.2.
    fn leads_to(leaf: Digest, index: usize, size: usize, path: &[Digest]) -> Option<Digest> {
        let (mut at, mut last, mut hash) = (index, size - 1, leaf);
        for other in path {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                hash = node(other, &hash);
                while at & 1 == 0 && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            } else {
                hash = node(&hash, other);
            }
            at >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(hash)
    }

    #[test]
    fn roots_are_those_of_the_reference() {
        assert_eq!(
            root([]).to_vec(),
            hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
        for count in 1..=8 {
            assert_eq!(root(leaves(count)).to_vec(), hex(ROOTS[count - 1]), "{count} leaves");
        }
    }

    #[test]
    fn a_path_is_that_of_the_reference() {
        let expected = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(
            path(&leaves(8), 0).iter().map(|d| d.to_vec()).collect::<Vec<_>>(),
            expected.map(hex)
        );
        assert!(path(&leaves(1), 0).is_empty());
    }

    #[test]
    fn every_leaf_leads_to_the_root_and_no_other_does() {
        let all: Vec<Digest> = (0..70u8).map(|i| leaf(&[i])).collect();
        for size in 1..=all.len() {
            let leaves = &all[..size];
            let whole = root(leaves.iter().copied());
            for index in 0..size {
                let path = path(leaves, index);
                assert_eq!(leads_to(leaves[index], index, size, &path), Some(whole));
                assert_ne!(leads_to(leaf(b"forged"), index, size, &path), Some(whole));
            }
        }
    }

    #[test]
    fn a_tree_of_whole_trees_is_the_tree_of_all_leaves() {
        let all: Vec<Digest> = (0..70u8).map(|i| leaf(&[i])).collect();
        let parts: Vec<Digest> = all.chunks(8).map(|part| root(part.iter().copied())).collect();
        assert_eq!(root(parts.iter().copied()), root(all.iter().copied()));
        for index in [0, 7, 8, 63, 64, 69] {
            let mut joined = path(all.chunks(8).nth(index / 8).unwrap(), index % 8);
            joined.extend(path(&parts, index / 8));
            assert_eq!(joined, path(&all, index));
        }
    }
}
