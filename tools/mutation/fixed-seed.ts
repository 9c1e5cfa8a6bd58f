import fc from 'fast-check';

/** In a mutation run: the same cases for every mutant, and no search for the smallest case that kills it. */
fc.configureGlobal({ seed: 1, endOnFailure: true });
