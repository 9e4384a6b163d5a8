# SPDX-License-Identifier: Apache-2.0
# The test bed's settings for Debian 12: its version of Xen, and the packages beside those in the files packages and
# software that only this release has. bed_settings reads this file.
# shellcheck shell=sh disable=SC2034

xen_version=4.17
release_packages=
release_software=postgresql-15
