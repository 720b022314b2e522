//! Comments and labels of whatever has no step of its own for them, and what goes with an extension. Pure.

use super::clone::Clone;
use crate::pg::ident::{literal, quote};
use crate::plan::{Kind, Object};

impl Clone<'_> {
    pub(super) fn comments_and_labels(&mut self) {
        let objects = &self.template.objects;
        for comment in &objects.comments {
            let name = self.names(&comment.on, &comment.object);
            let sql = format!("COMMENT ON {} {name} IS {}", comment.on, literal(&comment.text));
            let object = Object::schema(Kind::Privileges, self.slug());
            let action = format!("comment on {} {}", comment.on.to_lowercase(), comment.object);
            self.part(object, action, "as in the template", sql);
        }
        for label in &objects.labels {
            let name = self.names(&label.on, &label.object);
            let sql = format!(
                "SECURITY LABEL FOR {} ON {} {name} IS {}",
                quote(&label.provider),
                label.on,
                literal(&label.label)
            );
            let object = Object::schema(Kind::Privileges, self.slug());
            let action = format!("label {} {}", label.on.to_lowercase(), label.object);
            self.part(object, action, "as in the template", sql);
        }
    }

    pub(super) fn dependents(&mut self) {
        for dependent in &self.template.objects.dependents {
            let (on, extension) = (&dependent.on, quote(&dependent.extension));
            let name = self.names(on, &dependent.object);
            let sql = format!("ALTER {on} {name} DEPENDS ON EXTENSION {extension}");
            let object = Object::schema(Kind::Privileges, self.slug());
            let action =
                format!("let {} {} go with {extension}", on.to_lowercase(), dependent.object);
            self.part(object, action, "as in the template", sql);
        }
    }
}
