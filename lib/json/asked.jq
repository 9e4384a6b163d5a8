# SPDX-License-Identifier: Apache-2.0
#
# Collects what a container asks for its VM, as the input of vm.jq.
#
# vm.jq is a program of its own, because few containers need it, and each of its lines would cost all containers time.
#
# wanted for: "vm" org.lfedge.runx. RUNX_ XLCONF= NETCONF=

def asked($env; $vm; $binds):
	with_entries(select(.key | startswith("org.lfedge.runx."))) as $annotations
	| [$env[]? | select(startswith("RUNX_") or startswith("XLCONF=") or startswith("NETCONF="))] as $variables
	| if $annotations == {} and $variables == [] and $vm == null then ""
	else {$annotations, $vm, env: $variables, $binds} | tojson end;
