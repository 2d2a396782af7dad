//! Object stores (S3, MinIO, a folder) follow Lehr's tables as Parquet by day.
