//! The bytes of events, without a server.

use super::format::*;

#[test]
fn what_is_written_is_read() {
    let mut image = Image::default();
    image.null();
    image.plain(b"");
    image.plain(&[7; 300]);
    image.untold();
    image.large(&[1; 10]);
    image.salted(&[9; 16], b"ada@example.com");
    image.position(2);
    image.plain(b"new");
    let hash = sha256(&[&[1; 10]]);
    let mut reader = Reader::new(image.bytes());
    assert_eq!(
        reader.row(6).unwrap(),
        [
            Value::Null,
            Value::Plain(b""),
            Value::Plain(&[7; 300]),
            Value::Untold,
            Value::Large { length: 10, hash: &hash },
            Value::Plain(b"ada@example.com"),
        ]
    );
    assert_eq!(reader.changes().unwrap(), [(2, Value::Plain(&b"new"[..]))]);
}

#[test]
fn erasing_leaves_the_committed_form() {
    let mut image = Image::default();
    image.plain(b"x");
    image.salted(&[9; 16], b"ada");
    image.position(1);
    image.salted(&[8; 16], b"eve");
    let committed = image.committed().to_vec();
    assert_ne!(committed, image.bytes());
    let erased = Reader::erased(image.bytes(), 2, |column| column == 1).unwrap();
    assert_eq!(erased, committed);
    assert_eq!(Reader::committed(image.bytes(), 2).unwrap(), committed);
    // Once erased there is nothing salted left, and the bytes are what is hashed.
    assert_eq!(Reader::committed(&erased, 2), None);
    assert_eq!(Reader::erased(&erased, 2, |_| true).unwrap(), committed);
    // Another column is left as it is.
    assert_eq!(Reader::erased(image.bytes(), 2, |column| column == 0).unwrap(), image.bytes());
}

#[test]
fn what_is_cut_short_is_no_image() {
    let mut image = Image::default();
    image.plain(&[1; 20]);
    image.large(&[2; 5]);
    image.salted(&[3; 16], b"abc");
    let bytes = image.bytes();
    for end in 1..bytes.len() {
        assert!(Reader::new(&bytes[..end]).row(3).is_none(), "cut at {end}");
        let _ = Reader::erased(&bytes[..end], 3, |_| true);
        let _ = Reader::committed(&bytes[..end], 3);
    }
    assert!(Reader::new(&[0xff; 12]).value().is_none());
}

#[test]
fn near_keys_have_near_numbers_and_tables_part() {
    let int = |table, n| row_key(table, &[KeyPart::Int(n)]);
    assert_eq!(int(5, 8) - int(5, 7), 1);
    assert_ne!(int(5, 7), int(6, 7));
    assert_ne!(
        row_key(5, &[KeyPart::Bytes(b"a"), KeyPart::Bytes(b"b")]),
        row_key(5, &[KeyPart::Bytes(b"ab")])
    );
    assert_eq!(
        row_key(5, &[KeyPart::Int(1), KeyPart::Bytes(b"x")]),
        row_key(5, &[KeyPart::Int(1), KeyPart::Bytes(b"x")])
    );
}

#[test]
fn every_part_of_an_event_counts() {
    let (layout, context) = ([1; 32], [2; 32]);
    let head = Head {
        id: 1,
        occurred_at: 2,
        transaction: 3,
        operation: b'U',
        row_key: Some(4),
        organization: Some([5; 16]),
        layout: &layout,
        context: &context,
    };
    let other = [3; 32];
    let variants = [
        head,
        Head { id: 9, ..head },
        Head { occurred_at: 9, ..head },
        Head { transaction: 9, ..head },
        Head { operation: b'D', ..head },
        Head { row_key: None, ..head },
        Head { row_key: Some(9), ..head },
        Head { organization: None, ..head },
        Head { layout: &other, ..head },
        Head { context: &other, ..head },
    ];
    let mut hashes: Vec<Digest> = variants.iter().map(|h| content_hash(h, b"image")).collect();
    hashes.push(content_hash(&head, b"imagE"));
    hashes.push(content_hash(&head, &[0; 2000]));
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}
