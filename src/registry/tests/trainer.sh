#!/bin/sh
# Stands in for lehr-train: does what the file `behaviour` in the folder of the data says.
model=$1 out=$4 version=$6 data=${10}
. "$data/behaviour"
