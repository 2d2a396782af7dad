mod answers;
mod files;
mod fixture;
mod forbidden;
mod history;
mod limits;
mod live;
mod saved;
