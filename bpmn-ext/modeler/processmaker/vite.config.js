import { defineConfig } from 'vite';

/** The modeler's own file asks for a style sheet by `require`. */
const noStyles = {
  name: 'no-required-styles',
  transform(code, id) {
    return id.endsWith('modeler.common.js') ? code.replace(/require\("[^"]*\.css"\)/g, '({})') : undefined;
  },
};

export default defineConfig({
  root: new URL('page', import.meta.url).pathname,
  base: './',
  plugins: [noStyles],
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  resolve: {
    alias: [
      { find: /^vue$/, replacement: 'vue/dist/vue.esm.js' },
      { find: /^@processmaker\/modeler$/, replacement: '@processmaker/modeler/dist/modeler.common.js' },
    ],
    dedupe: ['vue', 'jointjs', 'lodash'],
  },
  build: { outDir: '../dist', emptyOutDir: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 20000, minify: false },
});
