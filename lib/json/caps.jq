# SPDX-License-Identifier: Apache-2.0
#
# Makes the guest's record of the capabilities that exec --cap adds. $caps has their names.

($caps | split(" ") | map(select(. != ""))) as $names
| "added=\($names | added_capabilities | @sh)", ($names | unknown_names("--cap"))
