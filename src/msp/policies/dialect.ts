/** Whose wording and grammar: the peers of 1.1, or those of 2.x. */
export type FabricDialect = '1.1' | '2.x';
