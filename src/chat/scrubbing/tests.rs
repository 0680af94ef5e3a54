use proptest::prelude::*;

use super::Scrubber;
use super::exif;

/// Where a photo was taken, as some program wrote it down.
const PLACE: &[u8] = b"41.0082N 28.9784E";
const TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "video/mp4"];

/// An Exif block of a picture that lies on its side, with a place in it.
fn exif_block() -> Vec<u8> {
    let on_its_side = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    [on_its_side, PLACE].concat()
}

fn on_its_side() -> Vec<u8> {
    exif::scrubbed(&exif_block()).unwrap().to_vec()
}

fn join(parts: &[&Vec<u8>]) -> Vec<u8> {
    parts.iter().copied().flatten().copied().collect()
}

fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], contents].concat()
}

fn chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_be_bytes();
    [&length[..], kind, contents, b"crc!"].concat()
}

fn riff(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_le_bytes();
    let padding = vec![0; contents.len() % 2];
    [kind, &length[..], contents, &padding].concat()
}

fn atom(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32 + 8).to_be_bytes();
    [&length[..], kind, contents].concat()
}

/// A photo as it comes from a camera, and as it is stored.
fn jpeg() -> (Vec<u8>, Vec<u8>) {
    let exif = |block: &[u8]| segment(0xe1, &[exif::PREFIX, block].concat());
    let start = [b"\xff\xd8".to_vec(), segment(0xe0, b"JFIF\0\x01\x02")].concat();
    let colours = segment(0xe2, b"ICC_PROFILE\0\x01\x01colours");
    let tables = [segment(0xdb, &[1; 65]), segment(0xc0, &[2; 15])].concat();
    let scan = [
        segment(0xda, &[3; 10]),
        b"data\xff\x00data\xff\xd0data".to_vec(),
        segment(0xc4, &[4; 20]),
        segment(0xda, &[5; 10]),
        b"more\xff\x00\xff\x00".to_vec(),
    ];
    let scan = scan.concat();
    let end = b"\xff\xd9";
    let xmp = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", PLACE].concat());
    let others = [
        segment(0xe2, b"MPF\0"),
        segment(0xed, PLACE),
        segment(0xfe, PLACE),
    ]
    .concat();
    let video = atom(b"moov", &atom(b"udta", PLACE));
    let came = [
        &start,
        &exif(&exif_block()),
        &xmp,
        &colours,
        &others,
        &tables,
        &scan,
        &end[..],
        &video,
    ];
    let stored = [
        &start,
        &exif(&on_its_side()),
        &colours,
        &tables,
        &scan,
        &end[..],
    ];
    (came.concat(), stored.concat())
}

fn png() -> (Vec<u8>, Vec<u8>) {
    let start = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &[1; 13])].concat();
    let picture = [chunk(b"pHYs", &[2; 9]), chunk(b"IDAT", &[3; 50])].concat();
    let end = chunk(b"IEND", b"");
    let texts = [
        chunk(b"tEXt", PLACE),
        chunk(b"iTXt", PLACE),
        chunk(b"tIME", PLACE),
    ]
    .concat();
    let came = [
        &start,
        &chunk(b"eXIf", &exif_block()),
        &texts,
        &picture,
        &end,
    ];
    let mut block = chunk(b"eXIf", &on_its_side());
    block.truncate(block.len() - 4);
    block.extend_from_slice(&0xd667_4b69_u32.to_be_bytes());
    (join(&came), join(&[&start, &block, &picture, &end]))
}

fn webp() -> (Vec<u8>, Vec<u8>) {
    let file = |features: u8, exif: &[u8], xmp: &[u8]| {
        let contents = [
            b"WEBP".to_vec(),
            riff(b"VP8X", &[&[features][..], &[0; 9]].concat()),
            riff(b"VP8 ", &[3; 51]),
            riff(b"EXIF", exif),
            xmp.to_vec(),
        ];
        riff(b"RIFF", &contents.concat())
    };
    let mut stored = on_its_side();
    stored.resize(exif_block().len(), 0);
    (
        file(0b1100, &exif_block(), &riff(b"XMP ", PLACE)),
        file(0b1000, &stored, &riff(b"JUNK", &[0; PLACE.len()])),
    )
}

fn mp4() -> (Vec<u8>, Vec<u8>) {
    let file = |kind: &[u8; 4], note: &[u8], long: &[u8]| {
        let track = atom(
            b"trak",
            &[atom(b"mdia", b"track"), atom(kind, note)].concat(),
        );
        let movie = [atom(b"mvhd", &[1; 20]), track, atom(kind, note)].concat();
        [
            atom(b"ftyp", b"isom\0\0\0\0isom"),
            atom(b"moov", &movie),
            long.to_vec(),
            atom(b"mdat", b"moov udta"),
        ]
        .concat()
    };
    let long = |kind: &[u8]| [b"\0\0\0\x01", kind, &33_u64.to_be_bytes()].concat();
    (
        file(b"udta", PLACE, &[&long(b"udta")[..], PLACE].concat()),
        file(
            b"free",
            &[0; PLACE.len()],
            &[&long(b"free")[..], &[0; PLACE.len()]].concat(),
        ),
    )
}

/// What is stored of a file that comes in pieces of so many bytes.
fn scrub(media_type: &str, bytes: &[u8], n_bytes: usize) -> Vec<u8> {
    let mut scrubber = Scrubber::of(media_type).unwrap();
    let mut kept = Vec::new();
    for piece in bytes.chunks(n_bytes) {
        kept.extend(scrubber.scrub(piece));
    }
    kept.extend(scrubber.finish());
    kept
}

#[test]
fn of_a_photo_only_what_it_shows_and_which_way_up_stays() {
    for (media_type, (came, stored)) in TYPES.into_iter().zip([jpeg(), png(), webp(), mp4()]) {
        for n_bytes in 1..=came.len() {
            let kept = scrub(media_type, &came, n_bytes);
            assert_eq!(kept, stored, "{media_type} in pieces of {n_bytes}");
        }
        let has_place = stored.windows(PLACE.len()).any(|part| part == PLACE);
        assert!(!has_place, "{media_type}");
        assert_eq!(
            scrub(media_type, &stored, 100),
            stored,
            "{media_type}, once more"
        );
    }
}

#[test]
fn bytes_that_only_fill_a_photo_are_no_end_of_it() {
    let came = b"\xff\xd8\xff\xff\xff\xfe\0\x04hi\xff\xda\0\x03-da\xff\0ta\xff\xff\xd9 and more";
    let stored = b"\xff\xd8\xff\xda\0\x03-da\xff\0ta\xff\xd9";
    for n_bytes in 1..came.len() {
        assert_eq!(scrub("image/jpeg", came, n_bytes), stored);
    }
}

#[test]
fn xmp_in_a_video_is_blanked() {
    let id = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
    let other = atom(b"uuid", &[&[7; 16], PLACE].concat());
    let came = [atom(b"uuid", &[id, PLACE].concat()), other.clone()].concat();
    let stored = [atom(b"uuid", &[&id[..], &[0; PLACE.len()]].concat()), other].concat();
    assert_eq!(scrub("video/mp4", &came, 7), stored);
}

#[test]
fn what_is_not_laid_out_as_it_should_be_is_stored_as_it_came() {
    let broken: [(&str, &[u8]); 8] = [
        ("image/jpeg", b"\xff\xd8\xff\xe0\0\x01 and so on, and on"),
        ("image/jpeg", b"\xff\xd8 and so on"),
        ("image/jpeg", b"\xff\xd8\xff\xd0 and so on"),
        ("image/jpeg", b"no picture"),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\0\0\0\0\0 and so on"),
        ("image/png", b"\x89PNG"),
        ("image/webp", b"RIFF1234WAVE and so on, and on"),
        ("video/mp4", b"\0\0\0\x02udta and so on"),
    ];
    for (media_type, bytes) in broken {
        assert_eq!(scrub(media_type, bytes, 3), bytes, "{media_type}");
    }
    assert!(Scrubber::of("image/gif").is_none());
}

#[test]
fn a_file_that_breaks_off_in_its_metadata_does_not_keep_them() {
    for (media_type, (came, _)) in TYPES.into_iter().zip([jpeg(), png(), webp(), mp4()]) {
        for n_bytes in 0..came.len() {
            let kept = scrub(media_type, &came[..n_bytes], 100);
            let has_place = kept.windows(PLACE.len()).any(|part| part == PLACE);
            assert!(!has_place, "{media_type} of {n_bytes} bytes");
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_it_does_not_matter_in_which_pieces(
        of_type in 0_usize..4,
        n_good in 0_usize..400,
        rest in proptest::collection::vec(any::<u8>(), 0..200),
        n_bytes in 1_usize..50,
    ) {
        let (came, _) = [jpeg(), png(), webp(), mp4()][of_type].clone();
        let bytes = [&came[..n_good.min(came.len())], &rest].concat();
        let media_type = TYPES[of_type];
        let kept = scrub(media_type, &bytes, n_bytes);
        prop_assert_eq!(&kept, &scrub(media_type, &bytes, bytes.len().max(1)));
        prop_assert!(kept.len() <= bytes.len());
    }
}
