/** The parts of several processes in one, over connections that fail, checked against a model. */
@NullMarked
package io.ipsentry.conformance.simulation;

import org.jspecify.annotations.NullMarked;
