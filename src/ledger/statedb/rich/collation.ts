const collator = new Intl.Collator('en', {
  usage: 'sort',
  sensitivity: 'variant',
  ignorePunctuation: false,
  numeric: false,
  caseFirst: 'false',
});

/**
 * Order of two strings in ICU's root collation, tertiary strength: what CouchDB sorts and compares strings by. Different strings may
 * be equal: composed and decomposed letters are, and what differs in ignorable characters alone.
 */
export const collate: (a: string, b: string) => number = (a, b) => (a === b ? 0 : collator.compare(a, b));
