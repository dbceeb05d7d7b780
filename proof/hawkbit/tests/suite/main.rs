//! What hawkBit answers, row by row: the same tests against the double and, where `HAWKBIT_JAR` names one, against a real server.

mod common;
mod flow;
