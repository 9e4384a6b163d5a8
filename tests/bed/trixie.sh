# SPDX-License-Identifier: Apache-2.0
# The test bed's settings for Debian 13: its version of Xen, and the packages beside those in the files packages and
# software that only this release has. bed_settings reads this file.
# shellcheck shell=sh disable=SC2034

xen_version=4.20
# docker.io is only the daemon here. podman's network (netavark) calls nft.
release_packages='docker-cli nftables'
release_software=postgresql-17
