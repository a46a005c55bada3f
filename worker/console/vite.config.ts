import { createHash } from 'node:crypto';

import { defaultClientConditions, defineConfig, type Plugin } from 'vite';

import { codePages, sources } from './build/codes.ts';

const PREACT = /node_modules[\\/](preact|@preact|preact-iso|@bpmn-io[\\/]properties-panel[\\/]preact)[\\/]/;
const BPMN = /node_modules[\\/](?!bpmn-js-data-connector|bpmn-js-differ|jsondiffpatch|diff-match-patch)/;

export default defineConfig({
  plugins: [codes(), oneFont(), styleHashes()],
  resolve: {
    // The plug-in is built from its source, and all of the page share the properties panel's copy of Preact.
    conditions: ['source', ...defaultClientConditions],
    alias: [{ find: /^preact(?=$|\/)/, replacement: '@bpmn-io/properties-panel/preact' }],
  },
  html: { cspNonce: '__NONCE__' },
  // `npm run dev`: pages from their sources, the API from a server that runs.
  server: { proxy: { '/api': process.env.CONSOLE_URL ?? 'http://127.0.0.1:8080' } },
  build: {
    outDir: 'dist',
    assetsDir: 'assets',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    sourcemap: false,
    // Measured by the browser tests, page by page.
    chunkSizeWarningLimit: 2000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      checks: { pluginTimings: false },
      output: {
        codeSplitting: {
          // A change of ours changes none of the chunks of others. What diagrams need to be looked at is no part of the modeler,
          // and JSON from both.
          includeDependenciesRecursively: false,
          groups: [
            { name: 'vendor', test: PREACT, priority: 4 },
            { name: 'vendor-json', test: /node_modules[\\/]jsonc-parser[\\/]/, priority: 3 },
            { name: 'vendor-viewer', test: BPMN, minShareCount: 2, priority: 2 },
            { name: 'vendor-bpmn', test: BPMN, priority: 1 },
          ],
        },
      },
    },
  },
});

/** The module `virtual:codes`. */
function codes(): Plugin {
  const id = '\0virtual:codes';
  return {
    name: 'codes',
    resolveId: (wanted) => (wanted === 'virtual:codes' ? id : null),
    load(wanted) {
      if (wanted !== id) return null;
      for (const file of sources()) this.addWatchFile(file);
      return `export const pages = ${JSON.stringify(codePages())};`;
    },
  };
}

/** The icons of bpmn-js as one font, in the format that all browsers of ours read. */
function oneFont(): Plugin {
  return {
    name: 'one-font',
    enforce: 'pre',
    transform(css, id) {
      if (!/bpmn-font[\\/]css[\\/]bpmn\.css$/.test(id)) return null;
      const file = /url\('([^']+\.woff2[^']*)'\)/.exec(css)?.[1];
      const face = `@font-face { font-family: 'bpmn'; src: url('${file}') format('woff2'); font-weight: normal; font-style: normal; }`;
      return css.replace(/@font-face\s*\{[^}]*\}/, face);
    },
  };
}

/** Writes `dist/csp.json`: the hashes of the literal style attributes in modules of others, which the server's policy allows. */
function styleHashes(): Plugin {
  return {
    name: 'style-hashes',
    generateBundle(_, bundle) {
      const styles = new Set<string>();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        for (const [, style] of chunk.code.matchAll(/<[a-z]+\b[^<>]*? style=\\?"([^"\\]+)\\?"/g)) styles.add(style);
      }
      const hashes = [...styles].sort().map((style) => `sha256-${createHash('sha256').update(style).digest('base64')}`);
      this.emitFile({ type: 'asset', fileName: 'csp.json', source: `${JSON.stringify({ styleAttributes: hashes }, null, 2)}\n` });
    },
  };
}
