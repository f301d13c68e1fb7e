/** What goes on, beside the tables. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
