/** A program that runs in a worker, as the text of one script (resources/build/agent.mjs). */
declare module '*?source' {
  const text: string;
  export default text;
}
