//! LeRobot's data set, by its own writer: the Python package has it, this program gives it the trials.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Deserialize;
use serde_json::json;

use super::folder::held;
use super::parquet::Parquet;
use super::{Source, Unborn, sheets};
use crate::cli::Failure;

const HOW: &str = "--to lerobot: LeRobot's own writer makes its data sets, from Python: \
                   pip install 'rmrl[lerobot]'";

/// What lies in the folder until the data set is whole.
const WORK: &str = "work/";

/// The writer, ready.
pub struct Writer {
    program: Child,
    /// The program ends when this closes, also by a kill.
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// A file and no pipe: nobody has to read it while the program works.
    errors: tempfile::NamedTempFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ready,
    /// How many episodes there are by now.
    Episodes(u64),
    Done,
    /// It, or the disk, could not go on.
    Failed(String),
    /// The user can mend it.
    Refused(String),
}

impl Writer {
    /// Starts the Python that `RMRL_PYTHON` names, else the one beside this program, which `pip` puts there.
    ///
    /// # Errors
    /// Exit code 2 where there is none, or it lacks the packages.
    pub fn start() -> Result<Self, Failure> {
        let refused = |why: &dyn std::fmt::Display| Failure::Input(format!("{HOW} ({why})"));
        let python = python().ok_or_else(|| Failure::Input(HOW.to_owned()))?;
        let errors = tempfile::NamedTempFile::new().map_err(anyhow::Error::from);
        let errors = errors.map_err(Failure::Work)?;
        let said = errors.reopen().map_err(|error| Failure::Work(error.into()))?;
        let mut command = Command::new(&python);
        command.args(["-m", "rmrl._lerobot"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
        let name = python.display();
        let mut program =
            command.spawn().map_err(|error| refused(&format_args!("{name}: {error}")))?;
        let (Some(questions), Some(answers)) = (program.stdin.take(), program.stdout.take()) else {
            return Err(refused(&format_args!("{name}: cannot be talked to")));
        };
        let mut writer = Self { program, questions, answers: BufReader::new(answers), errors };
        match writer.hear() {
            Ok(Answer::Ready) => Ok(writer),
            Ok(Answer::Refused(why)) => Err(refused(&why)),
            Ok(_) => Err(refused(&format_args!("{name}: is not the writer"))),
            Err(why) => Err(refused(&format_args!("{name}: {why}"))),
        }
    }

    /// Writes one data set of all runs. Returns how many there are.
    pub fn write(mut self, sources: &[Source], unborn: &mut Unborn) -> Result<usize, Failure> {
        // LeRobot names its own files.
        [WORK, "meta/", "data/", "videos/"].iter().try_for_each(|folder| unborn.expect(folder))?;
        let work = unborn.folder().join(WORK);
        fs::create_dir(&work).map_err(|error| unborn.failed(error))?;
        let (tables, dataset) = (work.join("tables"), work.join("dataset"));
        let mut written = unborn.within("work/tables", "parquet")?;
        let runs = sheets::write::<Parquet>(sources, &mut written, true)?;
        written.finish()?;
        let question = json!({ "tables": tables, "to": dataset, "robot": robot(sources)? });
        writeln!(self.questions, "{question}").map_err(|error| unborn.failed(error))?;
        loop {
            match self.hear() {
                Ok(Answer::Done) => break,
                Ok(Answer::Episodes(count)) => eprintln!("LeRobot: {count} episodes"),
                Ok(Answer::Refused(why)) => return Err(Failure::Input(why)),
                Ok(Answer::Ready) => {}
                Ok(Answer::Failed(why)) => return Err(unborn.failed(why)),
                Err(why) => return Err(unborn.failed(why)),
            }
        }
        arrive(&dataset, unborn.folder()).map_err(|error| unborn.failed(error))?;
        fs::remove_dir_all(&work).map_err(|error| unborn.failed(error))?;
        for file in unborn.files().map_err(|error| unborn.failed(error))? {
            let rows = rows(&unborn.folder().join(&file)).map_err(|error| unborn.failed(error))?;
            unborn.wrote(&file, rows);
        }
        Ok(runs)
    }

    /// The next answer, or its last words.
    fn hear(&mut self) -> Result<Answer, String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).map_err(|error| error.to_string())?;
        if read == 0 {
            let said = fs::read_to_string(self.errors.path()).unwrap_or_default();
            return Err(said.trim().lines().last().unwrap_or("ended without a word").to_owned());
        }
        serde_json::from_str(&line).map_err(|_| format!("said {:?}", line.trim()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It has nothing of its own to keep.
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Where a Python with the package is likely to be.
fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("RMRL_PYTHON").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let own = std::env::current_exe().ok()?;
    let names = if cfg!(windows) { ["python.exe", "python3.exe"] } else { ["python", "python3"] };
    names.iter().map(|name| own.with_file_name(name)).find(|python| python.is_file())
}

/// The robot of all runs, by its name.
fn robot(sources: &[Source]) -> Result<Option<String>, Failure> {
    let named = |source: &Source| {
        let robot = source.info.provenance.robot.as_ref().map(|robot| robot.name.clone());
        robot.map_or_else(|| Ok(source.experiment()?.robot), Ok::<_, Failure>)
    };
    let names = sources.iter().map(named).collect::<Result<std::collections::BTreeSet<_>, _>>()?;
    Ok(Some(names.into_iter().collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty()))
}

/// Moves all that a folder holds files in.
fn arrive(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let is_empty = entry.path().is_dir() && held(&entry.path())?.is_empty();
        if !is_empty {
            fs::rename(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Of a table; other files have none.
fn rows(file: &Path) -> Result<u64, anyhow::Error> {
    if file.extension().is_none_or(|end| end != "parquet") {
        return Ok(0);
    }
    let reader = SerializedFileReader::new(File::open(file)?)?;
    Ok(u64::try_from(reader.metadata().file_metadata().num_rows())?)
}
