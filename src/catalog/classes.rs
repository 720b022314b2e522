//! Operator classes and families, and conversions: what classes.sql returns, field for field.

use super::model::Named;
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Classes {
    pub families: Vec<Family>,
    pub classes: Vec<Class>,
    pub conversions: Vec<Conversion>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Family {
    pub oid: u32,
    pub name: String,
    /// The access method that it is for.
    pub method: String,
    /// What is of no class of it.
    pub operators: Vec<ClassOperator>,
    pub functions: Vec<ClassFunction>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Class {
    pub oid: u32,
    pub name: String,
    pub method: String,
    /// Of the same schema.
    pub family: String,
    pub default: bool,
    pub r#type: String,
    pub storage: Option<String>,
    pub operators: Vec<ClassOperator>,
    pub functions: Vec<ClassFunction>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ClassOperator {
    pub number: i32,
    pub name: Named,
    pub left: String,
    pub right: String,
    /// The family by which it orders.
    pub sort: Option<Named>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ClassFunction {
    pub number: i32,
    pub name: Named,
    pub arguments: Vec<String>,
    /// What it is for.
    pub left: String,
    pub right: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Conversion {
    pub oid: u32,
    pub name: String,
    pub default: bool,
    pub from: String,
    pub to: String,
    pub function: Named,
}
