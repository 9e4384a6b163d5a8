# SPDX-License-Identifier: Apache-2.0
#
# Refuses, or warns about, what config.json asks for and runX does not do: all of unmet.jq, and what concerns mounts.
#
# wanted with: unmet.jq

# A mapping of ids to themselves changes nothing.
def mapped($field; $problem):
	items($field).value | object($field) | select(.hostID != .containerID) | fail($field; $problem);

def shared_mounts:
	(.linux | section("linux") | .rootfsPropagation | values
		| if ["", "shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable"] - [.] | length == 9
			then fail("linux.rootfsPropagation"; "must be shared, slave, private or unbindable, or one of these after an r")
			elif endswith("shared") then "linux.rootfsPropagation" else empty end),
	(.mounts | items("mounts") | select(.value | is_bind and any(.options[]?; endswith("shared"))) | "mounts[\(.key)].options");

def unmet:
	unmet_keys(""),
	(("uidMappings", "gidMappings") as $name
		| (.linux[$name]? | mapped("linux.\($name)"; "runX does not support user namespaces: run the container without one")),
		(.mounts | items("mounts") | "mounts[\(.key)].\($name)" as $field | .value[$name]
			| mapped($field; "runX does not support idmapped mounts: remove this key"))),
	(few(shared_mounts | ignored("\(.): shared"; "the host does not see what a VM mounts")) | log_warning);
