# SPDX-License-Identifier: Apache-2.0
# The one document of the input. jq got -s, so the input is an array of documents, or null where there is none (-n). Behind this
# comes the last module, the program itself.

if . == null then . elif length > 1 then error("has \(length) JSON documents, and must have only one") else .[] end |

