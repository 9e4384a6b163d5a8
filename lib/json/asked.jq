# SPDX-License-Identifier: Apache-2.0
#
# What is for vm.jq, a program of its own: few containers ask, and each line costs all of them time.

def asked($env; $vm; $binds):
	with_entries(select(.key | startswith("org.lfedge.runx."))) as $annotations
	| [$env[]? | select(startswith("RUNX_") or startswith("XLCONF=") or startswith("NETCONF="))] as $variables
	| if $annotations == {} and $variables == [] and $vm == null then ""
	else {$annotations, $vm, env: $variables, $binds} | tojson end;
