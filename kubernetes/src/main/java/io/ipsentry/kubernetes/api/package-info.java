/** The API server, as far as the ban log needs it: the ConfigMaps of one log in one namespace. */
@NullMarked
package io.ipsentry.kubernetes.api;

import org.jspecify.annotations.NullMarked;
