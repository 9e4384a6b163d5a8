# SPDX-License-Identifier: Apache-2.0
#
# $caps, the words of exec --cap -> the guest's record of them.

$caps | added_capabilities
