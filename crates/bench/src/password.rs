//! PBKDF2 at the cost of the newest Django: ours, the `pbkdf2` crate's and Python's.

use std::hint::black_box;
use std::process::Command;

use cloakroom_core::password::Hashers;
use cloakroom_core::version::DjangoVersion;

use crate::clock;
use crate::pairs::spread;

const PASSWORD: &str = "correct horse battery staple";
const SALT: &str = "W8JYcVCFiQpQzLX3P5Jg7n";
const ROUNDS: usize = 5;

/// Milliseconds of CPU for one hash, measured in turn.
pub(crate) fn table() -> String {
    let hashers = Hashers::new(DjangoVersion::LATEST);
    let iterations = DjangoVersion::LATEST.pbkdf2_iterations();
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let ours = clock::time(|| {
            black_box(hashers.make_with_salt(PASSWORD.as_bytes(), SALT)).expect("the salt is one");
        });
        let theirs = clock::time(|| {
            let (password, salt) = (PASSWORD.as_bytes(), SALT.as_bytes());
            black_box(pbkdf2::pbkdf2_hmac_array::<sha2::Sha256, 32>(
                password, salt, iterations,
            ));
        });
        times[0].push(ours.as_secs_f64() * 1e3);
        times[1].push(theirs.as_secs_f64() * 1e3);
        times[2].push(python(iterations));
    }
    let ours = times[0].clone();
    let mut table =
        String::from("| PBKDF2 | ms | ours is, median (least to most) |\n|---|---:|---:|");
    for (name, times) in ["ours", "pbkdf2 crate", "Python's hashlib"]
        .iter()
        .zip(times)
    {
        let ratios = ours.iter().zip(&times).map(|(ours, time)| ours / time);
        let (least, median, most) = spread(ratios.collect());
        let time = spread(times).1;
        table.push_str(&format!(
            "\n| {name} | {time:.0} | {median:.2} ({least:.2} to {most:.2}) |"
        ));
    }
    table
}

/// The same hash by Python; it measures its own CPU time, without its start.
fn python(iterations: u32) -> f64 {
    let program = format!(
        "import hashlib, time; t = time.process_time(); \
         hashlib.pbkdf2_hmac('sha256', b'{PASSWORD}', b'{SALT}', {iterations}); \
         print((time.process_time() - t) * 1e3)"
    );
    let output = Command::new("python3").args(["-c", &program]).output();
    let output = output.expect("python3 is installed").stdout;
    let text = String::from_utf8_lossy(&output);
    text.trim().parse().expect("it prints a number")
}
