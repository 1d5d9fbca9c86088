#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The control plane that checks nothing: fills the table and leaves it, as the article's lvs_dr_vs.sh.

static_NEEDS=()
static_validate() { :; }

static_run() {
  table drain "$LVS_DRAIN_SECONDS" "$DRAINED" + edit
}

static_leave() { :; }
static_check() { :; }
static_gone() { :; }
