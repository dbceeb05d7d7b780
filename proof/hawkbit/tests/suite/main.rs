//! What hawkBit answers, row by row: the same tests against the double and, where `HAWKBIT_JAR` names one, against a real server.

mod artifact;
mod cancel;
mod common;
mod config_data;
mod deployment;
mod feedback;
mod flow;
mod installed;
mod limits;
mod login;
mod operator;
mod poll;
mod ranges;
mod rollout;
mod search;
