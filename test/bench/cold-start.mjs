// Stands in for Lambda's runtime: loads the package in the current folder and says when its handler is ready.
const { handler } = await import(`${process.cwd()}/index.mjs`);
if (typeof handler !== 'function') throw new Error('index.mjs exports no handler');
console.log('ready');
