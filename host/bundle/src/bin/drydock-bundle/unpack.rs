use drydock_bundle::Error;
use drydock_bundle::ordered::{cores, ordered};
use drydock_format::ImageReader;
use drydock_format::frames::Decoder;
use indicatif::ProgressBar;

/// Unpacks and proves every frame of an image on all cores, and hands the data to `take` in order.
pub(crate) fn unpack(
    reader: &ImageReader,
    bar: &ProgressBar,
    mut take: impl FnMut(Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let image = reader.image();
    bar.set_message(image.name.clone());
    bar.set_length(image.size);
    bar.set_position(0);
    let worker = || {
        let (mut decoder, mut frame) = (Decoder::new(), Vec::new());
        move |number| {
            let mut data = vec![0; image.frame_len(number)];
            reader.read_frame(number, &mut frame)?;
            reader.unpack(&mut decoder, number, &frame, &mut data)?;
            reader.prove(number, &data)?;
            Ok(data)
        }
    };
    ordered(image.frame_count(), cores(), worker, |data: Vec<u8>| {
        bar.inc(data.len() as u64);
        take(data)
    })
}
