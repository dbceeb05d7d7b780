//! Pictures that are drawn from text: boxes at places of a grid, and arrows between them.
//!
//! One statement a line, `#` begins a comment. Places and sizes are in units of ten pixels.
//! ```text
//! picture 96x40 What it shows, for those who can't see it
//! box ID 2,3 18x4 STYLE Text|second line, with `code`
//! text 2,9 STYLE Text|second line
//! arrow FROM.b TO.t [dashed] [: label]
//! zoom FROM FIRST LAST
//! ```
//! A box's style is a colour (`plain`, `a`, `b`, `recovery`, `state`, `good`, `bad`) or `ask`, a question. A text's is `note`
//! or `head`. An arrow's ends are a box and one of its sides, `l`, `r`, `t`, `b`, and maybe how far along it in percent:
//! `b25`. A zoom spreads from the lower edge of one box to the upper edges of a row, from its first box to its last one.

mod draw;
mod grid;

pub use grid::{Mistake, Picture};

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns what each text of a folder makes: the picture's file, and its bytes as they should be.
pub fn pictures(folder: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let said = |path: &Path, why: &dyn fmt::Display| format!("{}: {why}", path.display());
    let mut made = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| said(folder, &error))? {
        let path = entry.map_err(|error| said(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = fs::read_to_string(&path).map_err(|error| said(&path, &error))?;
            let picture = Picture::parse(&text).map_err(|mistake| said(&path, &mistake))?;
            made.push((path.with_extension("svg"), draw::svg(&picture)));
        }
    }
    made.sort();
    Ok(made)
}

/// Draws every picture of a folder anew. Returns their files' names.
pub fn draw_all(folder: &Path) -> Result<Vec<String>, String> {
    let pictures = pictures(folder)?;
    let write = |(path, svg): &(PathBuf, String)| {
        fs::write(path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
    };
    pictures.iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> String {
        draw::svg(&Picture::parse(text).unwrap())
    }

    fn wrong(text: &str) -> String {
        Picture::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn boxes_and_arrows_are_drawn() {
        let svg = drawn(
            "# two boxes\npicture 40x20 A & B\nbox one  2,2 16x4 plain `a<b`|next\n\nbox two 2,10 16x4 a end\narrow one.b two.t : yes\n",
        );
        assert!(svg.contains("<title>A &amp; B</title>"));
        assert!(
            svg.contains("<tspan class=\"code\">a&lt;b</tspan>")
                && svg.contains(">next<")
                && svg.contains(">yes<")
        );
        assert!(svg.contains("points=\"100.0,60.0 100.0,80.0 100.0,80.0 100.0,92.0\""), "{svg}");
    }

    #[test]
    fn words_have_room_in_their_boxes() {
        assert!(
            wrong("picture 40x20 T\nbox one 2,2 6x4 plain far too long for it")
                .starts_with("line 2: \"far too")
        );
        assert!(wrong("picture 40x20 T\nbox one 2,2 9x2 plain a|b").contains("no room in a height of 2"));
        assert!(wrong("picture 40x20 T\nbox one 35,2 9x2 plain a").contains("outside"));
        assert!(wrong("picture 20x20 T\ntext 15,2 note a long remark").contains("beyond the picture"));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        for (text, words) in [
            ("sphere 1,2 3x4", "no statement `sphere`"),
            ("box a 1;2 3x4 plain x", "no pair"),
            ("box a 1,b 3x4 plain x", "no number"),
            ("box a 1,2 3x4 pink x", "pink is no style"),
            ("box a 1,2 3x4 plain", "5 fields"),
            ("arrow a.b c.d", "no box a before"),
            ("zoom a b c", "no box a before"),
        ] {
            let said = wrong(&format!("picture 40x20 T\n{text}"));
            assert!(said.starts_with("line 2: ") && said.contains(words), "{said}");
        }
        let twice = "picture 40x20 T\nbox a 1,2 3x4 plain x\nbox a 1,2 3x4 plain x";
        assert!(wrong(twice).contains("two boxes a"));
        assert!(wrong("picture 40x20 T\nbox a 1,2 3x4 plain x\narrow a.x a.b").contains("`x` is no side"));
    }
}
