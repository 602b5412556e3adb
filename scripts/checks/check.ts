// What a check of the tree is.

/** Looks at the tree and gives one line per problem; none means that all is well. */
export interface Check {
  readonly name: string;
  run(): readonly string[] | Promise<readonly string[]>;
}
