package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// TestExportedIsDocumented asks for a comment on everything exported.
func TestExportedIsDocumented(t *testing.T) {
	packages := map[string]bool{}
	for _, s := range sources(t, parser.ParseComments|parser.SkipObjectResolution) {
		if s.test {
			continue
		}
		packages[s.pkg] = packages[s.pkg] || s.file.Doc != nil
		before := 0 // the last line of a documented declaration: one right below it shares its comment
		for _, d := range s.file.Decls {
			line := s.set.Position(d.Pos()).Line
			shares := before > 0 && line == before+1
			before = 0
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && !shares && d.Name.IsExported() && exportedReceiver(d) {
					t.Errorf("%s: func %s has no comment", s.at(d), d.Name)
				}
				if d.Doc != nil || shares {
					before = s.set.Position(d.End()).Line
				}
			case *ast.GenDecl:
				documented(t, s, d)
			}
		}
	}
	for pkg, ok := range packages {
		if !ok {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

// exportedReceiver reports whether a function is no method, or one of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// documented checks the types, variables and constants of a declaration. A comment on the group is one for all.
func documented(t *testing.T, s *source, d *ast.GenDecl) {
	if d.Tok == token.IMPORT || d.Doc != nil {
		return
	}
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && spec.Comment == nil {
				t.Errorf("%s: type %s has no comment", s.at(spec), spec.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && spec.Doc == nil && spec.Comment == nil {
					t.Errorf("%s: %s has no comment", s.at(spec), name)
				}
			}
		}
	}
}
