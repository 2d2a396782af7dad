fn main() {
    println!("cargo::rerun-if-changed=src/unit/logger.c");
    cc::Build::new().file("src/unit/logger.c").warnings(true).compile("lehr_fmi_logger");
}
